package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.GUI;
import ij.gui.Roi;
import java.awt.EventQueue;
import java.awt.Rectangle;
import java.awt.Toolkit;
import java.awt.datatransfer.StringSelection;
import java.awt.event.WindowAdapter;
import java.awt.event.WindowEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.swing.JOptionPane;
import javax.swing.Timer;
import tdseg.fiji.CurrentClassifier;
import tdseg.fiji.UserError;

/** What the panel does: labels at once, in the event thread; all else by commands. */
final class Panel {
    private static final int TICK = 100; // milliseconds
    private static final int GAP = 6;

    final PanelWindow window;
    final ClassActions classes;
    final LabelActions drawn;
    final FileActions files;
    final ResultActions results;
    private final LabelledImages images = new LabelledImages();
    private final Transcript transcript = new Transcript();
    private final Commands commands;
    private final Updates updates;
    private final Autosave autosave;
    private final Keys keys;
    private final Timer timer = new Timer(TICK, event -> tick());
    private final Map<Labels, Long> versions = new HashMap<>(); // as seen last
    private List<Labels> training = new ArrayList<>();
    private Labels labels;

    Panel() {
        ClassActions.restoreColours();
        window = new PanelWindow(this);
        autosave = new Autosave(
                text -> EventQueue.invokeLater(() -> window.say(text, true)));
        commands = new Commands(window, transcript, images);
        updates = new Updates(commands, window, images);
        classes = new ClassActions(
                window, commands, images, this::trying, updates::keepsOldNames);
        classes.setRecoloured(updates::repaint);
        drawn = new LabelActions(window, commands, classes, images, () -> labels, this::trying);
        results = new ResultActions(commands, () -> labels);
        files = new FileActions(window, commands, classes, autosave, () -> labels,
                updates::classifierChanged);
        keys = new Keys(window, this::imp, this::pressed);
        window.addWindowListener(new WindowAdapter() {
            @Override
            public void windowClosing(WindowEvent event) {
                close();
            }
        });
        CurrentClassifier.setListener(
                done -> EventQueue.invokeLater(() -> commands.recordOthers(done)));
        LabelFile.forgetOld();
        WindowManager.addWindow(window);
        window.showProgress(null, "");
        refresh();
        window.fit();
        classes.send();
        timer.start();
        tick();
        placeBesideImage();
    }

    /** Right of the image, left where there is no room, as far as the screen allows. */
    private void placeBesideImage() {
        Rectangle screen = GUI.getMaxWindowBounds(window);
        Rectangle image = labels == null
                ? new Rectangle(screen.x, screen.y, 0, 0) : labels.imp.getWindow().getBounds();
        int right = image.x + image.width + GAP;
        int left = image.x - window.getWidth() - GAP;
        int edge = screen.x + screen.width - window.getWidth();
        int x = right <= edge ? right : left >= screen.x ? left : edge;
        int lowest = screen.y + screen.height - window.getHeight();
        window.setLocation(x, Math.max(screen.y, Math.min(image.y, lowest)));
    }

    private ImagePlus imp() {
        return labels == null ? null : labels.imp;
    }

    /**
     * Sees what changed: the image, its labels, the plane that is shown. Ten times a second, and
     * before each action: it is meant for the image that is in front now.
     */
    void tick() {
        ImagePlus current = WindowManager.getCurrentImage();
        if (labels != null && labels.imp.getWindow() == null) {
            setImage(null);
        }
        if (current != null && current != imp() && LabelledImages.isDrawnOn(current)) {
            setImage(current);
        }
        lookForChanges();
        updates.tick(labels);
    }

    /** Sees what changed in the open images: also by macros and ImageJ's own menus. */
    private void lookForChanges() {
        boolean changed = false;
        boolean renamed = classes.follow();
        for (Labels each : images.open()) {
            Long before = versions.put(each, each.version());
            if (before == null || before != each.version() || renamed) {
                classes.cover(each.all());
            }
            if (before != null && before != each.version()) {
                changed = true;
                autosave.keep(each.imp, each.all());
            }
        }
        List<Labels> now = images.training();
        if (changed || !now.equals(training)) {
            training = now;
            updates.labelsChanged();
            refresh();
        } else if (renamed) {
            refresh();
        }
    }

    private void setImage(ImagePlus imp) {
        images.forgetClosed();
        versions.keySet().retainAll(images.open());
        boolean isAnother = labels != null && imp != null;
        labels = imp == null ? null : images.of(imp);
        if (isAnother) {
            commands.recordFront(imp);
        }
        files.offer(labels);
        updates.setImage(labels);
        refresh();
    }

    private void refresh() {
        List<Roi> all = labels == null ? new ArrayList<>() : labels.all();
        int[] rois = new int[classes.names.count()];
        long[] pixels = new long[classes.names.count()];
        for (Roi roi : all) {
            if (roi.getGroup() <= rois.length) {
                rois[roi.getGroup() - 1]++;
                pixels[roi.getGroup() - 1] += PixelCount.of(roi, labels.imp);
            }
        }
        window.classes.show(classes.names.all(), rois, pixels);
        window.showImages(images);
        window.regions.show(imp(), all);
        window.showImage(labels == null ? null : labels.imp.getTitle());
        window.enable("Undo", labels != null && labels.canUndo());
        window.enable("Redo", labels != null && labels.canRedo());
    }

    /** Does what may be refused in one sentence. */
    private void trying(Runnable action) {
        window.say("", false);
        try {
            action.run();
        } catch (UserError error) {
            window.say(error.getMessage(), true);
        }
        tick();
        refresh();
    }

    private boolean pressed(int digit) {
        if (digit == 0) {
            window.overlay.doClick();
        } else if (digit <= classes.names.count()) {
            choose(digit);
        }
        return digit <= classes.names.count();
    }

    void choose(int group) {
        window.classes.setChosen(group);
        refresh();
    }

    /** Whether the labels of an image train. */
    void setTrains(Labels image, boolean trains) {
        images.setLeftOut(image, !trains);
        tick();
    }

    void train() {
        updates.train(labels);
    }

    void updateOnce() {
        updates.updateOnce(labels);
    }

    void setLive(boolean on) {
        updates.setLive(on);
        tick();
    }

    void setOverlay(boolean on) {
        updates.setOverlay(on);
        tick();
    }

    void setOpacity(double opacity) {
        updates.setOpacity(opacity);
    }

    void settings() {
        commands.ask("TDS Train...", updates::setOptions);
    }

    void copyAsMacro() {
        try {
            String text = transcript.text();
            Toolkit.getDefaultToolkit().getSystemClipboard()
                    .setContents(new StringSelection(text), null);
            window.say("The session is in the clipboard: a macro of "
                    + text.split("\n").length + " lines.", false);
        } catch (IOException error) {
            window.say("The labels for the macro could not be written: " + error.getMessage(),
                    true);
        }
    }

    void stop() {
        updates.stop();
    }

    private void close() {
        List<Labels> unwanted = new ArrayList<>();
        for (Labels each : images.open()) {
            if (each.areUnsaved()) {
                int answer = JOptionPane.showOptionDialog(window, "Image '" + each.imp.getTitle()
                        + "' has labels that are not saved.", PanelWindow.TITLE,
                        JOptionPane.DEFAULT_OPTION, JOptionPane.QUESTION_MESSAGE, null,
                        new String[] {"Save...", "Don't save", "Cancel"}, "Save...");
                if (answer == 0) {
                    files.save(each, this::close);
                }
                if (answer != 1) {
                    return; // saving goes on with closing
                }
                unwanted.add(each);
            }
        }
        unwanted.forEach(each -> autosave.forget(each.imp));
        timer.stop();
        CurrentClassifier.setListener(null);
        keys.close();
        updates.close();
        autosave.close();
        WindowManager.removeWindow(window);
        window.dispose();
    }
}
