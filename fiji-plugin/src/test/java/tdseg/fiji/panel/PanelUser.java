package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.Toolkit;
import java.awt.Window;
import java.awt.image.BufferedImage;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import javax.swing.AbstractButton;
import javax.swing.JComboBox;
import javax.swing.JPopupMenu;
import javax.swing.MenuSelectionManager;
import javax.swing.text.JTextComponent;
import tdseg.fiji.DrivenImageJ;

/** Someone who uses the panel, by mouse, keys and buttons. */
abstract class PanelUser {
    private static final long PATIENCE = 240_000;

    final Robot robot = new Robot();
    final File out;
    ImagePlus imp;
    PanelWindow panel;

    /** Whose pictures and files go to a folder. */
    PanelUser(String folder) throws Exception {
        out = new File(folder);
    }

    final void more(String name) throws Exception {
        press("More results...");
        until("the menu", () -> MenuSelectionManager.defaultManager().getSelectedPath().length > 0);
        JPopupMenu menu = (JPopupMenu)
                MenuSelectionManager.defaultManager().getSelectedPath()[0].getComponent();
        picture("menu");
        EventQueue.invokeLater(() -> {
            menu.setVisible(false);
            ((AbstractButton) named(menu, name)).doClick();
        });
    }

    final void rest() throws Exception {
        Thread.sleep(400); // it looks ten times a second whether there is something to do
        until("rest", () -> !named(panel, "Stop").isEnabled());
        Thread.sleep(400);
        until("rest", () -> !named(panel, "Stop").isEnabled());
    }

    final ImageRoi preview() {
        Overlay shown = imp.getCanvas() == null ? null : imp.getCanvas().getShowAllList();
        return shown == null ? null : (ImageRoi) shown.get(0);
    }

    static int changed(ImageRoi one, ImageRoi other) {
        int[] a = (int[]) one.getProcessor().getPixels();
        int[] b = (int[]) other.getProcessor().getPixels();
        int count = 0;
        for (int i = 0; i < a.length; i++) {
            count += a[i] == b[i] ? 0 : 1;
        }
        return count;
    }

    final String message() {
        return ((JTextComponent) named(panel, "message")).getText();
    }

    static String text(Container container) {
        StringBuilder found = new StringBuilder();
        for (Component part : container.getComponents()) {
            if (part instanceof javax.swing.JLabel) {
                found.append(((javax.swing.JLabel) part).getText()).append('\n');
            }
            if (part instanceof Container) {
                found.append(text((Container) part));
            }
        }
        return found.toString();
    }

    static PanelWindow panelWindow() {
        for (Window window : Window.getWindows()) {
            if (window instanceof PanelWindow && window.isShowing()) {
                return (PanelWindow) window;
            }
        }
        return null;
    }

    static Dialog dialog(String title) {
        for (Window window : Window.getWindows()) {
            if (window instanceof Dialog && window.isShowing()
                    && title.equals(((Dialog) window).getTitle())) {
                return DrivenImageJ.waits() ? (Dialog) window : null;
            }
        }
        return null;
    }

    static Component named(Container container, String name) {
        Component found = search(container, name);
        if (found == null) {
            throw new IllegalStateException("there is no " + name);
        }
        return found;
    }

    static Component search(Container container, String name) {
        for (Component part : container.getComponents()) {
            boolean called = name.equals(part.getName()) || part instanceof AbstractButton
                    && name.equals(((AbstractButton) part).getText());
            Component found = called ? part
                    : part instanceof Container ? search((Container) part, name) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    final void press(String name) throws Exception {
        AbstractButton button = (AbstractButton) named(panel, name);
        if (!button.isEnabled()) {
            throw new IllegalStateException(name + " is not enabled");
        }
        EventQueue.invokeAndWait(() -> button.doClick(0)); // without its sleep of 68 ms
    }

    /** Draws with the mouse, in pixels of the image. */
    final void drag(int... corners) throws Exception {
        Mouse.drag(robot, imp, corners);
        until("a selection", () -> imp.getRoi() != null
                && imp.getRoi().getState() == ij.gui.Roi.NORMAL);
    }

    final void key(int code) {
        robot.keyPress(code);
        robot.keyRelease(code);
        robot.waitForIdle();
        robot.delay(200);
    }

    /** Sets fields of the dialog of a command, by name, and confirms it. */
    final void answer(String command, String... namesAndValues) throws Exception {
        until("the question", () -> dialog(command) != null);
        Dialog dialog = dialog(command);
        EventQueue.invokeAndWait(() -> {
            for (int i = 0; i < namesAndValues.length; i += 2) {
                Component field = named(dialog, namesAndValues[i]);
                if (field instanceof JComboBox) {
                    ((JComboBox<?>) field).setSelectedItem(namesAndValues[i + 1]);
                } else {
                    ((JTextComponent) field).setText(namesAndValues[i + 1]);
                }
            }
        });
        EventQueue.invokeLater(((AbstractButton) named(dialog, "OK"))::doClick);
        until("the end of the question", () -> dialog(command) == null);
        Thread.sleep(200);
    }

    final void picture(String name) throws Exception {
        robot.waitForIdle();
        robot.delay(400);
        ImageIO.write(screenshot(), "png", new File(out, name + ".png"));
    }

    /** Captures the screen, in its own pixels where it is a fine one (Java 9 and later). */
    final BufferedImage screenshot() throws Exception {
        Rectangle screen = new Rectangle(Toolkit.getDefaultToolkit().getScreenSize());
        if (System.getProperty("sun.java2d.uiScale", "1").equals("1")) {
            return robot.createScreenCapture(screen);
        }
        Object several = Robot.class.getMethod("createMultiResolutionScreenCapture",
                Rectangle.class).invoke(robot, screen);
        List<?> variants = (List<?>) Class.forName("java.awt.image.MultiResolutionImage")
                .getMethod("getResolutionVariants").invoke(several);
        return (BufferedImage) variants.get(variants.size() - 1);
    }

    final void write(String name, String text) throws Exception {
        Files.write(new File(out, name).toPath(), text.getBytes(StandardCharsets.UTF_8));
    }

    static void say(String name, Object value) {
        System.out.println(name + ": " + value);
    }

    final void until(String what, Callable<Boolean> there) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        while (!there.call()) {
            if (System.currentTimeMillis() > end) {
                picture("waited");
                throw new IllegalStateException("waited in vain for " + what);
            }
            Thread.sleep(5);
        }
    }
}
