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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import javax.swing.JOptionPane;
import javax.swing.Timer;
import tdseg.fiji.Recording;
import tdseg.fiji.UserError;
import tdseg.fiji.table.CommandTable;

/** What the panel does: labels at once, in the event thread; all else by commands. */
final class Panel {
    private static final int TICK = 100; // milliseconds
    private static final int GAP = 6;

    /** Selections that ImageJ's Recorder writes a line for, when they are drawn. */
    private static final List<Integer> RECORDED = Arrays.asList(Roi.RECTANGLE, Roi.OVAL,
            Roi.POLYGON, Roi.LINE, Roi.POLYLINE);

    final PanelWindow window;
    private final ClassNames classes = new ClassNames();
    private final Map<ImagePlus, Labels> labelled = new WeakHashMap<>();
    private final Transcript transcript = new Transcript();
    private final Commands commands;
    final ResultActions results;
    private final Updates updates;
    private final Autosave autosave;
    private final Keys keys;
    private final Timer timer = new Timer(TICK, event -> tick());
    private Labels labels;

    Panel() {
        window = new PanelWindow(this);
        autosave = new Autosave(
                text -> EventQueue.invokeLater(() -> window.say(text, true)));
        commands = new Commands(window, transcript);
        results = new ResultActions(commands, () -> labels);
        updates = new Updates(commands, window);
        keys = new Keys(window, this::imp, this::pressed);
        window.addWindowListener(new WindowAdapter() {
            @Override
            public void windowClosing(WindowEvent event) {
                close();
            }
        });
        WindowManager.addWindow(window);
        window.showProgress(null, "");
        refresh();
        window.pack();
        commands.run("TDS Set Classes...", classes.options(), null, null);
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
        // A result is looked at, not drawn on.
        if (current != null && current != imp() && current.getProp("tdseg.source") == null) {
            setImage(current);
        }
        if (labels != null && labels.haveChanged()) {
            labelsChanged();
        }
        updates.tick(labels);
    }

    private void setImage(ImagePlus imp) {
        labels = imp == null ? null : labelled.computeIfAbsent(imp, Labels::new);
        window.offer(null, null, null);
        updates.setImage(labels);
        if (labels != null) {
            Path kept = Autosave.kept(imp);
            if (kept != null && labels.all().isEmpty()) {
                window.offer("Labels of this image were not saved.",
                        () -> load(CommandTable.get().command("TDS Load Labels...").index()
                                .get("path").format(kept.toString())),
                        () -> autosave.forget(imp));
            }
            cover();
        }
        refresh();
    }

    private void labelsChanged() {
        autosave.keep(labels.imp, labels.all());
        updates.labelsChanged();
        cover();
        refresh();
    }

    private void cover() {
        if (classes.cover(labels.all())) {
            sendClasses();
        }
    }

    private void sendClasses() {
        commands.run("TDS Set Classes...", classes.options(), null, null);
        refresh();
    }

    private void refresh() {
        List<Roi> all = labels == null ? new ArrayList<>() : labels.all();
        int[] rois = new int[classes.count()];
        long[] pixels = new long[classes.count()];
        for (Roi roi : all) {
            if (roi.getGroup() <= rois.length) {
                rois[roi.getGroup() - 1]++;
                pixels[roi.getGroup() - 1] += PixelCount.of(roi, labels.imp);
            }
        }
        window.classes.show(classes.all(), rois, pixels);
        window.regions.show(imp(), all);
        window.showImage(labels == null ? null : labels.imp.getTitle());
        window.enable("Undo", labels != null && labels.canUndo());
        window.enable("Redo", labels != null && labels.canRedo());
    }

    /** Does what may be refused in one sentence. */
    private void trying(Runnable action) {
        try {
            action.run();
            window.say("", false);
        } catch (UserError error) {
            window.say(error.getMessage(), true);
        }
        tick();
    }

    private boolean pressed(int digit) {
        if (digit == 0) {
            window.overlay.doClick();
        } else if (digit <= classes.count()) {
            choose(digit);
        }
        return digit <= classes.count();
    }

    void choose(int group) {
        window.classes.setChosen(group);
        refresh();
    }

    void addSelection(int group) {
        tick();
        window.classes.setChosen(group);
        trying(() -> {
            String name = classes.name(group);
            Roi label = labels.add(group, name);
            if (RECORDED.contains(label.getType())) {
                Recording.macroLine(Commands.line("TDS Add Label...", "class", name));
            } else {
                commands.recordLabels(labels.all());
            }
        });
        refresh();
    }

    void showRegion(Roi label) {
        if (labels == null) {
            return;
        }
        ImagePlus imp = labels.imp;
        if (label.hasHyperStackPosition()) {
            imp.setPosition(Math.max(label.getCPosition(), 1), Math.max(label.getZPosition(), 1),
                    Math.max(label.getTPosition(), 1));
        } else if (label.getPosition() > 0) {
            imp.setSlice(label.getPosition());
        }
        imp.setRoi((Roi) label.clone());
    }

    void deleteRegions() {
        List<Roi> chosen = window.regions.getSelectedValuesList();
        List<Integer> places = new ArrayList<>();
        chosen.forEach(roi -> places.add(labels.index(roi)));
        places.sort((a, b) -> b - a); // from the end, so that the others keep their places
        places.forEach(i -> Recording.macroLine("Overlay.removeSelection(" + i + ");"));
        trying(() -> labels.remove(chosen));
        labels.imp.deleteRoi();
    }

    void moveRegions() {
        int group = window.classes.chosen();
        trying(() -> labels.move(
                window.regions.getSelectedValuesList(), group, classes.name(group)));
        labels.imp.deleteRoi();
        commands.recordLabels(labels.all());
    }

    void undo() {
        step(labels.undo());
    }

    void redo() {
        step(labels.redo());
    }

    private void step(boolean done) {
        if (done) {
            labelsChanged();
            commands.recordLabels(labels.all());
        }
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

    void loadClassifier() {
        commands.ask("TDS Load Classifier...", options -> commands.run("TDS Load Classifier...",
                options, null, (work, reply) -> updates.classifierChanged()));
    }

    void saveClassifier() {
        commands.ask("TDS Save Classifier...",
                options -> commands.run("TDS Save Classifier...", options, null, null));
    }

    void loadLabels() {
        commands.ask("TDS Load Labels...", this::load);
    }

    private void load(String options) {
        Labels target = labels;
        commands.run("TDS Load Labels...", options, target, (work, reply) -> {
            boolean alone = target.all().isEmpty();
            work.showWithoutImages();
            tick();
            if (alone) {
                target.setSaved();
            }
        });
    }

    void saveLabels() {
        Labels target = labels;
        commands.ask("TDS Save Labels...", options -> saveLabels(target, options));
    }

    private void saveLabels(Labels target, String options) {
        commands.run("TDS Save Labels...", options, target, (work, reply) -> {
            target.setSaved();
            autosave.forget(target.imp);
        });
    }

    void createClass() {
        String name = JOptionPane.showInputDialog(window, "Name of the new class:",
                "class " + (classes.count() + 1));
        if (name != null) {
            trying(() -> {
                classes.add(name);
                sendClasses();
            });
        }
    }

    void renameClass() {
        int group = window.classes.chosen();
        String name = JOptionPane.showInputDialog(window, "New name of class " + group + ":",
                classes.name(group));
        if (name != null) {
            trying(() -> {
                classes.rename(group, name);
                sendClasses();
            });
        }
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
        for (Labels each : new ArrayList<>(labelled.values())) {
            if (each.imp.getWindow() != null && each.areUnsaved()) {
                int answer = JOptionPane.showOptionDialog(window, "Image '" + each.imp.getTitle()
                        + "' has labels that are not saved.", PanelWindow.TITLE,
                        JOptionPane.DEFAULT_OPTION, JOptionPane.QUESTION_MESSAGE, null,
                        new String[] {"Save...", "Don't save", "Cancel"}, "Save...");
                if (answer == 0) {
                    commands.ask("TDS Save Labels...", options -> saveLabels(each, options));
                }
                if (answer != 1) {
                    return; // after saving, the panel is closed by another click
                }
                autosave.forget(each.imp);
            }
        }
        timer.stop();
        keys.close();
        updates.close();
        autosave.close();
        WindowManager.removeWindow(window);
        window.dispose();
    }
}
