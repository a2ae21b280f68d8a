package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** Keeps unsaved labels in files, so that a crash takes none. */
final class Autosave {
    private final Consumer<String> complain;
    private final ExecutorService writer = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "TDS labels");
        thread.setDaemon(true);
        return thread;
    });

    /**
     * Makes one that has written nothing yet.
     *
     * @param complain hears a sentence where a file cannot be written.
     */
    Autosave(Consumer<String> complain) {
        this.complain = complain;
    }

    /** Keeps the labels of an image; an image without labels keeps none. */
    void keep(ImagePlus imp, List<Roi> labels) {
        Path path = LabelFile.ofImage(imp);
        writer.execute(() -> {
            try {
                if (labels.isEmpty()) {
                    Files.deleteIfExists(path);
                } else {
                    LabelFile.write(labels, path);
                }
            } catch (IOException error) {
                complain.accept("The labels could not be kept in " + path + " ("
                        + error.getMessage() + "); save them with Save labels.");
            }
        });
    }

    /** Forgets what was kept: it is in a file of the user's, or not wanted. */
    void forget(ImagePlus imp) {
        Path path = LabelFile.ofImage(imp);
        writer.execute(() -> path.toFile().delete());
    }

    /** Returns the labels that were kept of an image, or null. */
    static Path kept(ImagePlus imp) {
        Path path = LabelFile.ofImage(imp);
        return Files.isRegularFile(path) ? path : null;
    }

    void close() {
        writer.shutdown(); // what waits is still written
    }
}
