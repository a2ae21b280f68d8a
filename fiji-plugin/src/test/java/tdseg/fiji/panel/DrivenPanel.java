package tdseg.fiji.panel;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.Recorder;
import java.awt.Component;
import java.awt.EventQueue;
import java.awt.Robot;
import java.awt.Toolkit;
import java.awt.Window;
import java.awt.datatransfer.DataFlavor;
import java.awt.event.KeyEvent;
import java.awt.event.WindowEvent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import javax.swing.AbstractButton;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPopupMenu;
import javax.swing.JProgressBar;
import javax.swing.MenuSelectionManager;
import javax.swing.border.TitledBorder;
import javax.swing.text.JTextComponent;
import tdseg.fiji.Recording;
import tdseg.fiji.DrivenImageJ;

/** An ImageJ whose panel is used by lines on standard input, with mouse and keys. */
public final class DrivenPanel {
    private static PanelWindow panel;

    private DrivenPanel() {}

    /** Opens ImageJ and serves. */
    public static void main(String[] arguments) throws Exception {
        DrivenImageJ.serve(DrivenPanel::obey);
    }

    private static String obey(String verb, String argument) throws Exception {
        switch (verb) {
            case "panel": // open it
                IJ.doCommand("TDS Panel...");
                panel = DrivenImageJ.until(DrivenPanel::panel, "no panel");
                return "";
            case "panels":
                return "" + Arrays.stream(Window.getWindows())
                        .filter(w -> w instanceof PanelWindow && w.isShowing()).count();
            case "click": // a button of the panel
                click(argument);
                return "";
            case "menu": // an item of the one that is open
                await(() -> MenuSelectionManager.defaultManager().getSelectedPath().length > 0,
                        "no menu");
                JPopupMenu menu = (JPopupMenu)
                        MenuSelectionManager.defaultManager().getSelectedPath()[0].getComponent();
                EventQueue.invokeAndWait(() -> {
                    menu.setVisible(false);
                    DrivenImageJ.all(menu).stream().filter(c -> argument.equals(c.getName()))
                            .forEach(c -> ((AbstractButton) c).doClick());
                });
                return "";
            case "height": // of the panel
                return "" + panel.getHeight();
            case "stop": // as soon as this runs
                AbstractButton stop = (AbstractButton) part("Stop");
                await(() -> whileRunning(argument, stop::doClick), argument + " does not run");
                return "";
            case "runs": // wait until it does
                await(() -> whileRunning(argument, () -> { }), argument + " does not run");
                return "";
            case "enabled":
                return "" + part(argument).isEnabled();
            case "is":
                return "" + ((AbstractButton) part(argument)).isSelected();
            case "said":
                return ((JTextComponent) part("message")).getText();
            case "hears": // wait for a sentence that begins so
                await(() -> ((JTextComponent) part("message")).getText().startsWith(argument),
                        "not said: " + argument + "; but: "
                                + ((JTextComponent) part("message")).getText());
                return "";
            case "reads": // all lines of the panel
                return parts().stream().filter(c -> c instanceof JLabel && c.isShowing())
                        .map(c -> ((JLabel) c).getText()).filter(text -> text != null)
                        .collect(Collectors.joining("\n"));
            case "rows": // names of the classes and their ROIs
                return rows();
            case "titles": // of the parts that are shown
                return parts().stream().filter(c -> c.isShowing() && c instanceof JComponent)
                        .map(c -> ((JComponent) c).getBorder())
                        .filter(border -> border instanceof TitledBorder)
                        .map(border -> ((TitledBorder) border).getTitle())
                        .collect(Collectors.joining("\n"));
            case "record": // from now on
                new Recorder().setLocation(0, 2000);
                return "";
            case "unrecorded": // a macro's text
                Recording.suspended(() -> IJ.runMacro(argument));
                return "";
            case "rest": // wait until nothing runs
                rest();
                return "";
            case "draw": // by mouse, in pixels of the image
                draw(Arrays.stream(argument.split("[ ,]+")).mapToInt(Integer::parseInt)
                        .toArray());
                return "";
            case "key":
                key(argument);
                return "";
            case "choose-labels": // of the list
                int[] rows = Arrays.stream(argument.split(" ")).mapToInt(Integer::parseInt)
                        .toArray();
                EventQueue.invokeAndWait(() -> panel.regions.setSelectedIndices(rows));
                return "";
            case "labels": // of the active image, in a line
                return labels(WindowManager.getCurrentImage());
            case "overlay": // wait for one, and tell its pixels
                return DrivenImageJ.until(DrivenPanel::overlay, "no overlay");
            case "overlay-now":
                return String.valueOf(overlay());
            case "copied":
                return (String) Toolkit.getDefaultToolkit().getSystemClipboard()
                        .getData(DataFlavor.stringFlavor);
            case "end-panel": // by its cross
                EventQueue.invokeLater(() -> panel.dispatchEvent(
                        new WindowEvent(panel, WindowEvent.WINDOW_CLOSING)));
                return "";
            default:
                return DrivenImageJ.obey(verb, argument);
        }
    }

    private static void click(String name) throws Exception {
        AbstractButton button = (AbstractButton) part(name);
        if (!button.isEnabled()) {
            throw new IllegalStateException(name + " is not enabled");
        }
        EventQueue.invokeLater(button::doClick); // it may open a dialog
        EventQueue.invokeAndWait(() -> { });
    }

    /** Does something in the event thread if this runs. */
    private static boolean whileRunning(String what, Runnable action) throws Exception {
        boolean[] done = new boolean[1];
        EventQueue.invokeAndWait(() -> {
            JProgressBar bar = (JProgressBar) parts().stream()
                    .filter(c -> c instanceof JProgressBar).findFirst().get();
            if (bar.getString().startsWith(what)) {
                action.run();
                done[0] = true;
            }
        });
        return done[0];
    }

    private static void rest() throws Exception {
        for (int i = 0; i < 2; i++) { // it looks ten times a second whether there is work
            Thread.sleep(350);
            await(() -> !part("Stop").isEnabled(), "no rest");
        }
    }

    private static void draw(int[] corners) throws Exception {
        ImagePlus imp = WindowManager.getCurrentImage();
        Mouse.drag(new Robot(), imp, corners);
        await(() -> imp.getRoi() != null && imp.getRoi().getState() == Roi.NORMAL,
                "no selection");
    }

    private static void key(String name) throws Exception {
        Robot robot = new Robot();
        int code = KeyEvent.class.getField("VK_" + name).getInt(null);
        robot.keyPress(code);
        robot.keyRelease(code);
        robot.waitForIdle();
        robot.delay(200);
    }

    private static String rows() {
        List<String> names = new ArrayList<>();
        for (Component part : panel.classes.getComponents()) {
            String name = part.getName();
            if (name != null && name.startsWith("add ")) {
                names.add(((AbstractButton) part).getText().substring("Add to ".length()));
            } else if (part instanceof JLabel && ((JLabel) part).getText() != null) {
                int last = names.size() - 1;
                String count = ((JLabel) part).getText().split(" ")[0].replace("no", "0");
                names.set(last, names.get(last) + "|" + count);
            }
        }
        return String.join(" ", names);
    }

    private static String labels(ImagePlus imp) {
        Overlay overlay = imp.getOverlay();
        return overlay == null ? "" : Arrays.stream(overlay.toArray())
                .map(roi -> roi.getGroup() + "=" + roi.getName()).collect(Collectors.joining(" "));
    }

    /** Tells the pixels of each colour over the active image; null: there is no overlay. */
    private static String overlay() {
        ImagePlus imp = WindowManager.getCurrentImage();
        Overlay shown = imp == null || imp.getCanvas() == null
                ? null : imp.getCanvas().getShowAllList();
        if (shown == null || !(shown.get(0) instanceof ImageRoi)) {
            return null;
        }
        int hash = 0;
        Set<Integer> colours = new TreeSet<>();
        double opacity = 0;
        for (Roi roi : shown) {
            int[] pixels = (int[]) ((ImageRoi) roi).getProcessor().getPixels();
            hash = 31 * hash + Arrays.hashCode(pixels);
            Arrays.stream(pixels).forEach(colours::add);
            opacity = ((ImageRoi) roi).getOpacity();
        }
        return String.format("%d opacity %.2f", hash, opacity) + " colours " + colours.stream()
                .map(colour -> String.format("%06x", colour & 0xffffff))
                .collect(Collectors.joining(" "));
    }

    private static PanelWindow panel() {
        return (PanelWindow) Arrays.stream(Window.getWindows())
                .filter(w -> w instanceof PanelWindow && w.isShowing()).findFirst().orElse(null);
    }

    private static List<Component> parts() {
        return DrivenImageJ.all(panel);
    }

    /** Finds a part of the panel by its name or text. */
    private static Component part(String name) throws Exception {
        if (EventQueue.isDispatchThread()) {
            return found(name);
        }
        Component[] there = new Component[1];
        EventQueue.invokeAndWait(() -> there[0] = found(name)); // while no rows are made anew
        if (there[0] == null) {
            throw new IllegalStateException("there is no " + name);
        }
        return there[0];
    }

    private static Component found(String name) {
        return parts().stream().filter(c -> name.equals(c.getName()) || c instanceof AbstractButton
                        && name.equals(((AbstractButton) c).getText()))
                .findFirst().orElse(null);
    }

    private static void await(Callable<Boolean> there, String otherwise) throws Exception {
        DrivenImageJ.until(() -> there.call() ? "" : null, otherwise);
    }
}
