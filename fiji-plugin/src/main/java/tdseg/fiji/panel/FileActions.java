package tdseg.fiji.panel;

import ij.gui.Roi;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import tdseg.fiji.table.CommandTable;

/** Classifiers and labels in files: those of the user, and those that were kept for a crash. */
final class FileActions {
    private static final String FOLDER = "TDS Apply to Folder...";
    private static final String LOAD_CLASSIFIER = "TDS Load Classifier...";
    private static final String LOAD_LABELS = "TDS Load Labels...";
    private static final String SAVE_LABELS = "TDS Save Labels...";
    private final PanelWindow window;
    private final Commands commands;
    private final ClassActions classes;
    private final Autosave autosave;
    private final Supplier<Labels> labels;
    private final Runnable loaded;

    /**
     * Makes the actions.
     *
     * @param labels gives those of the image that the panel works on, or null.
     * @param loaded hears that there is another classifier.
     */
    FileActions(PanelWindow window, Commands commands, ClassActions classes, Autosave autosave,
            Supplier<Labels> labels, Runnable loaded) {
        this.window = window;
        this.commands = commands;
        this.classes = classes;
        this.autosave = autosave;
        this.labels = labels;
        this.loaded = loaded;
    }

    /** Opens a classifier; its classes are the panel's from then on. */
    void loadClassifier() {
        commands.ask(LOAD_CLASSIFIER, options -> commands.run(LOAD_CLASSIFIER, options, null,
                (work, reply) -> {
                    work.showWithoutImages(); // names the groups, which the panel follows
                    loaded.run();
                }));
    }

    void saveClassifier() {
        commands.ask("TDS Save Classifier...",
                options -> commands.run("TDS Save Classifier...", options, null, null));
    }

    /** Segments the images of a folder with the panel's classifier. */
    void applyToFolder() {
        commands.ask(FOLDER, options -> commands.runAndShow(FOLDER, options, null));
    }

    void loadLabels() {
        Labels target = labels.get();
        List<Roi> before = target.all();
        commands.ask(LOAD_LABELS, options -> commands.run(LOAD_LABELS, options, target,
                (work, reply) -> {
                    work.showWithoutImages();
                    if (before.isEmpty()) {
                        target.haveLoaded();
                    }
                }));
    }

    void saveLabels() {
        Labels target = labels.get();
        save(target, () -> { });
    }

    /** Asks where the labels of an image shall be saved, saves them, and goes on. */
    void save(Labels target, Runnable then) {
        commands.ask(SAVE_LABELS, options -> save(target, options, then));
    }

    private void save(Labels target, String options, Runnable then) {
        List<Roi> written = target.everything();
        commands.run(SAVE_LABELS, options, target, (work, reply) -> {
            target.setSaved(written);
            if (!target.areUnsaved()) { // a stroke may have come in between
                autosave.forget(target.imp);
            }
            then.run();
        });
    }

    /** Offers labels of an image that were kept and are not there. */
    void offer(Labels target) {
        window.offer(null, null, null);
        Path kept = target == null ? null : autosave.kept(target.imp);
        if (kept != null && target.all().isEmpty()) {
            window.offer("Labels of this image were not saved.",
                    () -> commands.run(LOAD_LABELS, CommandTable.get().command(LOAD_LABELS)
                            .index().get("path").format(kept.toString()), target, null),
                    () -> autosave.forget(target.imp));
        }
    }
}
