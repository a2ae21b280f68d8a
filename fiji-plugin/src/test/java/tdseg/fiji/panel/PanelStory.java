package tdseg.fiji.panel;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.ImageCanvas;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.Recorder;
import ij.plugin.frame.RoiManager;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Point;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.Toolkit;
import java.awt.Window;
import java.awt.datatransfer.DataFlavor;
import java.awt.event.InputEvent;
import java.awt.event.KeyEvent;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import javax.swing.AbstractButton;
import javax.swing.JComboBox;
import javax.swing.JPopupMenu;
import javax.swing.MenuSelectionManager;
import javax.swing.text.JTextComponent;

/**
 * A session with the panel in a real ImageJ, by mouse and keys: draws, trains, corrects, makes a
 * result. Prints what it finds as lines {@code name: value}, for a test to compare.
 */
public final class PanelStory {
    private static final long PATIENCE = 120_000;

    private final Robot robot = new Robot();
    private final File out;
    private ImagePlus imp;
    private PanelWindow panel;

    private PanelStory(String folder) throws Exception {
        out = new File(folder);
    }

    /** Takes an image file and a folder for what is made. */
    public static void main(String[] arguments) throws Exception {
        new ImageJ();
        System.exit(tell(arguments[0], arguments[1]));
    }

    /** Does it all in the ImageJ that is open; returns 0, or 1 if something was missing. */
    public static int tell(String file, String folder) throws Exception {
        try {
            new PanelStory(folder).tell(file);
        } catch (IllegalStateException error) {
            System.out.println("failed: " + error.getMessage());
            return 1;
        }
        return 0;
    }

    private void tell(String file) throws Exception {
        imp = IJ.openImage(file);
        imp.show();
        enlarge(imp);
        new Recorder().setLocation(0, 2000);
        IJ.doCommand("TDS Panel...");
        until("the panel", () -> panelWindow() != null);
        panel = panelWindow();
        rest();
        labels();
        settings();
        press("Train classifier");
        until("the overlay", () -> preview() != null);
        rest();
        say("labels after training", imp.getOverlay().size());
        picture("trained");
        correct();
        result();
        moreResults();
        lifeCycle(file);
    }

    private static void enlarge(ImagePlus imp) {
        imp.getWindow().setLocation(10, 110);
        for (int i = 0; i < 3; i++) {
            imp.getCanvas().zoomIn(0, 0);
        }
    }

    private void labels() throws Exception {
        IJ.setTool("freehand");
        imp.getWindow().toFront();
        drag(10, 10, 50, 10, 50, 40, 10, 40, 11, 12);
        press("add 1");
        drag(100, 100, 120, 100, 120, 120, 100, 120, 101, 102);
        key(KeyEvent.VK_2);
        say("class after key 2", panel.classes.chosen());
        press("add 2");
        press("add 2"); // nothing is selected
        say("message", message());
        say("groups", Arrays.toString(Arrays.stream(imp.getOverlay().toArray())
                .mapToInt(roi -> roi.getGroup()).toArray()));
        picture("labels");
    }

    private void settings() throws Exception {
        press("Settings");
        until("the settings", () -> dialog("TDS Train...") != null);
        Dialog dialog = dialog("TDS Train...");
        EventQueue.invokeAndWait(() -> {
            ((JComboBox<?>) named(dialog, "features")).setSelectedItem("classical");
            ((JTextComponent) named(dialog, "sigma_max")).setText("2");
            ((JTextComponent) named(dialog, "trees")).setText("20");
        });
        EventQueue.invokeLater(((AbstractButton) named(dialog, "OK"))::doClick);
        until("the end of the settings", () -> dialog("TDS Train...") == null);
        Thread.sleep(200);
    }

    private void correct() throws Exception {
        press("Live");
        ImageRoi before = preview();
        drag(60, 10, 90, 10, 90, 30, 60, 30, 61, 12);
        press("add 2");
        until("the new overlay", () -> preview() != null && preview() != before);
        rest();
        say("pixels that changed", changed(before, preview()));
        press("Undo");
        rest();
        say("labels after undo", imp.getOverlay().size());
        press("Redo");
        rest();
        say("labels after redo", imp.getOverlay().size());
        key(KeyEvent.VK_0);
        say("overlay after key 0", preview() != null);
        key(KeyEvent.VK_0);
        press("Live");
        until("the overlay again", () -> preview() != null);
        picture("corrected");
    }

    private void result() throws Exception {
        press("Create result");
        until("the result", () -> WindowManager.getImage("cells-labels") != null);
        rest();
        ImagePlus made = WindowManager.getImage("cells-labels");
        IJ.saveAs(made, "Tiff", new File(out, "result.tif").getPath());
        press("Copy as macro");
        String macro = (String) Toolkit.getDefaultToolkit().getSystemClipboard()
                .getData(DataFlavor.stringFlavor);
        write("session.ijm", macro);
        write("recorded.ijm", Recorder.getInstance().getText());
        say("end", message());
        picture("result");
        made.close();
    }

    /** What is in the menu: objects join what the ROI Manager has. */
    private void moreResults() throws Exception {
        RoiManager manager = RoiManager.getRoiManager();
        manager.setLocation(700, 300);
        manager.addRoi(new Roi(1, 1, 5, 5));
        more("Objects...");
        until("the question", () -> dialog("TDS Objects...") != null);
        Dialog dialog = dialog("TDS Objects...");
        EventQueue.invokeAndWait(() -> {
            ((JTextComponent) named(dialog, "min_size")).setText("30");
            ((JTextComponent) named(dialog, "smoothing")).setText("1");
            ((JComboBox<?>) named(dialog, "where")).setSelectedItem("manager");
        });
        EventQueue.invokeLater(((AbstractButton) named(dialog, "OK"))::doClick);
        until("the objects", () -> manager.getCount() > 1);
        rest();
        long area = 0;
        for (Roi roi : manager.getRoisAsArray()) {
            area += roi.getStatistics().pixelCount;
        }
        say("area in the manager", area);
        say("first in the manager", manager.getRoi(0).getBounds().width);
        say("labels after objects", panel.regions.getModel().getSize());
        EventQueue.invokeAndWait(() -> manager.runCommand("show all"));
        picture("objects");
        EventQueue.invokeAndWait(() -> {
            manager.runCommand("show none");
            manager.close();
        });
        more("Areas of classes");
        until("the table", () -> WindowManager.getWindow("TDS Class Statistics") != null);
        more("Composite of probabilities");
        until("the composite", () -> WindowManager.getImage("cells-probabilities") != null);
        ImagePlus composite = WindowManager.getImage("cells-probabilities");
        say("composite", composite.isComposite());
        rest();
        picture("composite");
        composite.close();
        EventQueue.invokeAndWait(((ij.text.TextWindow)
                WindowManager.getWindow("TDS Class Statistics"))::close);
    }

    private void more(String name) throws Exception {
        press("More results...");
        until("the menu", () -> MenuSelectionManager.defaultManager().getSelectedPath().length > 0);
        JPopupMenu menu = (JPopupMenu)
                MenuSelectionManager.defaultManager().getSelectedPath()[0].getComponent();
        if (name.startsWith("Objects")) {
            picture("menu");
        }
        EventQueue.invokeLater(() -> {
            menu.setVisible(false);
            ((AbstractButton) named(menu, name)).doClick();
        });
    }

    private void lifeCycle(String file) throws Exception {
        IJ.doCommand("TDS Panel...");
        Thread.sleep(500);
        say("panels", Arrays.stream(Window.getWindows())
                .filter(w -> w instanceof PanelWindow && w.isShowing()).count());
        EventQueue.invokeLater(() -> panel.dispatchEvent(
                new java.awt.event.WindowEvent(panel, java.awt.event.WindowEvent.WINDOW_CLOSING)));
        until("the question", () -> dialog(PanelWindow.TITLE) != null);
        picture("closing");
        Dialog question = dialog(PanelWindow.TITLE);
        EventQueue.invokeLater(((AbstractButton) named(question, "Cancel"))::doClick);
        until("the answer", () -> dialog(PanelWindow.TITLE) == null);
        say("panel stays", panel.isShowing());
        say("kept labels", Files.isRegularFile(LabelFile.ofImage(imp, 1)));
        imp.changes = false;
        imp.close();
        until("no image", () -> text(panel).contains("Open an image"));
        imp = IJ.openImage(file); // as after a crash: the labels were in no file
        imp.show();
        enlarge(imp);
        until("the offer", () -> search(panel, "Load them") != null);
        picture("offer");
        press("Load them");
        until("the labels", () -> imp.getOverlay() != null);
        say("labels offered again", imp.getOverlay().size());
    }

    private void rest() throws Exception {
        Thread.sleep(400); // it looks ten times a second whether there is something to do
        until("rest", () -> !named(panel, "Stop").isEnabled());
        Thread.sleep(400);
        until("rest", () -> !named(panel, "Stop").isEnabled());
    }

    private ImageRoi preview() {
        Overlay shown = imp.getCanvas() == null ? null : imp.getCanvas().getShowAllList();
        return shown == null ? null : (ImageRoi) shown.get(0);
    }

    private static int changed(ImageRoi one, ImageRoi other) {
        int[] a = (int[]) one.getProcessor().getPixels();
        int[] b = (int[]) other.getProcessor().getPixels();
        int count = 0;
        for (int i = 0; i < a.length; i++) {
            count += a[i] == b[i] ? 0 : 1;
        }
        return count;
    }

    private String message() {
        return ((JTextComponent) named(panel, "message")).getText();
    }

    private static String text(Container container) {
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

    private static PanelWindow panelWindow() {
        for (Window window : Window.getWindows()) {
            if (window instanceof PanelWindow && window.isShowing()) {
                return (PanelWindow) window;
            }
        }
        return null;
    }

    private static Dialog dialog(String title) {
        for (Window window : Window.getWindows()) {
            if (window instanceof Dialog && window.isShowing()
                    && title.equals(((Dialog) window).getTitle())) {
                return (Dialog) window;
            }
        }
        return null;
    }

    private static Component named(Container container, String name) {
        Component found = search(container, name);
        if (found == null) {
            throw new IllegalStateException("there is no " + name);
        }
        return found;
    }

    private static Component search(Container container, String name) {
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

    private void press(String name) throws Exception {
        AbstractButton button = (AbstractButton) named(panel, name);
        if (!button.isEnabled()) {
            throw new IllegalStateException(name + " is not enabled");
        }
        EventQueue.invokeAndWait(button::doClick);
    }

    /** Draws with the mouse, in pixels of the image. */
    private void drag(int... corners) throws Exception {
        EventQueue.invokeAndWait(imp.getWindow()::toFront); // above the Log
        robot.waitForIdle();
        ImageCanvas canvas = imp.getCanvas();
        Point origin = canvas.getLocationOnScreen();
        for (int i = 0; i < corners.length; i += 2) {
            robot.mouseMove(origin.x + canvas.screenX(corners[i]),
                    origin.y + canvas.screenY(corners[i + 1]));
            robot.waitForIdle();
            if (i == 0) {
                robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
            }
            robot.delay(30);
        }
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
        robot.waitForIdle();
        until("a selection", () -> imp.getRoi() != null
                && imp.getRoi().getState() == ij.gui.Roi.NORMAL);
    }

    private void key(int code) {
        robot.keyPress(code);
        robot.keyRelease(code);
        robot.waitForIdle();
        robot.delay(200);
    }

    private void picture(String name) throws Exception {
        robot.waitForIdle();
        robot.delay(400);
        Rectangle screen = new Rectangle(Toolkit.getDefaultToolkit().getScreenSize());
        ImageIO.write(robot.createScreenCapture(screen), "png", new File(out, name + ".png"));
    }

    private void write(String name, String text) throws Exception {
        Files.write(new File(out, name).toPath(), text.getBytes(StandardCharsets.UTF_8));
    }

    private static void say(String name, Object value) {
        System.out.println(name + ": " + value);
    }

    private void until(String what, Callable<Boolean> there) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        while (!there.call()) {
            if (System.currentTimeMillis() > end) {
                picture("waited");
                throw new IllegalStateException("waited in vain for " + what);
            }
            Thread.sleep(50);
        }
    }
}
