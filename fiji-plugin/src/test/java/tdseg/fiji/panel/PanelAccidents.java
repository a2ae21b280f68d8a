package tdseg.fiji.panel;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.gui.NewImage;
import ij.gui.OvalRoi;
import ij.gui.Roi;
import ij.plugin.frame.Recorder;
import java.awt.Component;
import java.awt.Container;
import java.awt.EventQueue;
import java.awt.Window;
import java.util.Arrays;
import java.util.concurrent.Callable;
import javax.swing.AbstractButton;
import javax.swing.text.JTextComponent;

/** What may happen to a panel; prints what it does as lines {@code name: value}. */
public final class PanelAccidents {
    private static final long PATIENCE = 120_000;
    private PanelWindow panel;
    private ImagePlus imp;

    private PanelAccidents() {}

    /** Takes nothing. */
    public static void main(String[] arguments) throws Exception {
        int status = 0;
        try {
            new PanelAccidents().happen();
        } catch (IllegalStateException error) {
            System.out.println("failed: " + error.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private void happen() throws Exception {
        new ImageJ();
        new Recorder().setLocation(0, 2000);
        open(64);
        IJ.doCommand("TDS Panel...");
        until("the panel", () -> found() != null);
        panel = found();
        label(new Roi(2, 2, 12, 12), 1);
        label(new OvalRoi(40, 40, 15, 15), 2);
        say("recorded", Recorder.getInstance().getText().contains("class=[class 2]"));
        setTrees();
        press("Train classifier");
        until("the overlay", this::isShown);
        scroll();
        change();
        stop();
        kill();
        close();
    }

    /** Another slice has its own overlay. */
    private void scroll() throws Exception {
        EventQueue.invokeAndWait(() -> imp.setSlice(2));
        until("the overlay of slice 2", this::isShown);
        say("slice 2 has an overlay", isShown());
    }

    private void change() throws Exception {
        EventQueue.invokeAndWait(() -> panel.regions.setSelectedIndex(1));
        say("slice of the label chosen", imp.getCurrentSlice());
        EventQueue.invokeAndWait(() -> panel.classes.setChosen(1));
        press("Move to class");
        say("groups after moving", groups());
        press("Undo");
        say("groups after undo", groups());
        EventQueue.invokeAndWait(() -> panel.regions.setSelectedIndex(0));
        press("Delete");
        say("groups after delete", groups());
        press("Undo");
        IJ.run(imp, "16-bit", "");
        Thread.sleep(300);
        until("the overlay after conversion", this::isShown);
        say("type", imp.getBitDepth());
        rest();
    }

    private void stop() throws Exception {
        ImagePlus small = imp;
        open(900);
        Thread.sleep(300);
        label(new Roi(2, 2, 300, 300), 1);
        label(new OvalRoi(500, 500, 300, 300), 2);
        press("Train classifier");
        Thread.sleep(600);
        press("Stop");
        until("the end", () -> !named(panel, "Stop").isEnabled());
        say("after stop", message());
        say("labels after stop", imp.getOverlay().size());
        small.changes = false;
    }

    private void kill() throws Exception {
        press("Train classifier");
        Thread.sleep(600);
        // Java 8 knows no processes; the test that started this one kills the worker.
        System.out.println("kill now");
        System.out.flush();
        until("the sentence", () -> message().contains("Python ended"));
        say("after a kill", message());
        say("labels after a kill", imp.getOverlay().size());
    }

    private void close() throws Exception {
        press("Train classifier");
        Thread.sleep(1500);
        EventQueue.invokeAndWait(() -> {
            imp.changes = false;
            imp.close();
        });
        rest();
        say("panel after closing the image", panel.isShowing());
        say("said after closing the image", message());
    }

    private void open(int edge) {
        imp = NewImage.createByteImage("ramp " + edge, edge, edge, 2, NewImage.FILL_RAMP);
        imp.show();
        imp.getWindow().setLocation(5, 100);
    }

    /** Few trees and one small scale, so that it is quick. */
    private void setTrees() throws Exception {
        press("Settings");
        until("the settings", () -> dialog() != null);
        EventQueue.invokeAndWait(() -> {
            ((javax.swing.JComboBox<?>) named(dialog(), "features")).setSelectedItem("classical");
            ((JTextComponent) named(dialog(), "sigma_max")).setText("2");
            ((JTextComponent) named(dialog(), "trees")).setText("10");
        });
        EventQueue.invokeLater(((AbstractButton) named(dialog(), "OK"))::doClick);
        until("the end of the settings", () -> dialog() == null);
        Thread.sleep(300);
    }

    private void label(Roi roi, int group) throws Exception {
        EventQueue.invokeAndWait(() -> imp.setRoi(roi));
        press("add " + group);
    }

    private String groups() {
        return Arrays.toString(Arrays.stream(imp.getOverlay().toArray())
                .mapToInt(Roi::getGroup).toArray());
    }

    private boolean isShown() {
        return imp.getCanvas() != null && imp.getCanvas().getShowAllList() != null;
    }

    private String message() {
        return ((JTextComponent) named(panel, "message")).getText();
    }

    private void rest() throws Exception {
        for (int i = 0; i < 2; i++) {
            Thread.sleep(400);
            until("rest", () -> !named(panel, "Stop").isEnabled());
        }
    }

    private static PanelWindow found() {
        return (PanelWindow) Arrays.stream(Window.getWindows())
                .filter(w -> w instanceof PanelWindow && w.isShowing()).findFirst().orElse(null);
    }

    private static java.awt.Dialog dialog() {
        return (java.awt.Dialog) Arrays.stream(Window.getWindows())
                .filter(w -> w instanceof java.awt.Dialog && w.isShowing()
                        && "TDS Train...".equals(((java.awt.Dialog) w).getTitle()))
                .findFirst().orElse(null);
    }

    private static Component named(Container container, String name) {
        for (Component part : container.getComponents()) {
            if (name.equals(part.getName()) || part instanceof AbstractButton
                    && name.equals(((AbstractButton) part).getText())) {
                return part;
            }
            Component found = part instanceof Container ? named((Container) part, name) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private void press(String name) throws Exception {
        EventQueue.invokeAndWait(((AbstractButton) named(panel, name))::doClick);
    }

    private static void say(String name, Object value) {
        System.out.println(name + ": " + value);
    }

    private static void until(String what, Callable<Boolean> there) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        while (!there.call()) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("waited in vain for " + what);
            }
            Thread.sleep(50);
        }
    }
}
