package tdseg.fiji.panel;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.plugin.frame.Recorder;
import ij.plugin.frame.RoiManager;
import ij.process.ImageProcessor;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Rectangle;
import java.awt.Toolkit;
import java.awt.Window;
import java.awt.datatransfer.DataFlavor;
import java.awt.event.KeyEvent;
import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.swing.AbstractButton;

/**
 * A session with the panel in a real ImageJ, by mouse and keys: draws, trains, corrects, makes a
 * result. Prints what it finds as lines {@code name: value}, for a test to compare.
 */
public final class PanelStory extends PanelUser {
    private PanelStory(String folder) throws Exception {
        super(folder);
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
        enlarged();
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
        answer("TDS Train...", "features", "classical", "sigma_max", "2", "trees", "20",
                "classifier", "random_forest");
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

    /** In an enlarged image the visible part comes first, and is as it is of the whole image. */
    private void enlarged() throws Exception {
        Rectangle visible = new Rectangle(30, 50, 60, 60);
        EventQueue.invokeAndWait(() -> {
            imp.getCanvas().setMagnification(7);
            imp.getCanvas().setSourceRect(visible);
        });
        ImageRoi before = last();
        List<ImageRoi> seen = new ArrayList<>();
        press("Update once");
        until("all", () -> {
            ImageRoi now = last();
            if (now != null && now != before && !seen.contains(now)) {
                seen.add(now);
            }
            return now != null && now != before && now.getBounds().width == imp.getWidth();
        });
        ImageRoi part = seen.get(0);
        Rectangle area = part.getBounds();
        say("visible part first", area.contains(visible) && area.width < imp.getWidth());
        ImageProcessor whole = last().getProcessor();
        whole.setRoi(area);
        say("part as of the whole", Arrays.equals((int[]) part.getProcessor().getPixels(),
                (int[]) whole.crop().getPixels()));
        rest();
        ImageRoi older = last();
        IJ.runMacro("run(\"TDS Train...\", \"features=classical sigma_max=1 trees=5 "
                + "classifier=random_forest held_out=false\");");
        until("classes of the macro's classifier", () -> last() != null && last() != older);
        press("Update once"); // the session goes on with its own
        rest();
        EventQueue.invokeAndWait(() -> imp.getCanvas().unzoom());
        enlarge(imp);
    }

    private ImageRoi last() {
        Overlay shown = imp.getCanvas().getShowAllList();
        return shown == null ? null : (ImageRoi) shown.get(shown.size() - 1);
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
        answer("TDS Objects...", "min_size", "30", "smoothing", "1", "where", "manager");
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
}
