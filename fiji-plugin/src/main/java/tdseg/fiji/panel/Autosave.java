package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/** Keeps unsaved labels in files, so that a crash takes none. */
final class Autosave {
    private final Consumer<String> complain;
    private final Map<ImagePlus, Path> paths = new HashMap<>();
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
        Path path = path(imp);
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
        Path path = path(imp);
        writer.execute(() -> path.toFile().delete());
    }

    /** Returns the labels that were kept of an image, or null. */
    Path kept(ImagePlus imp) {
        Path path = path(imp);
        return Files.isRegularFile(path) ? path : null;
    }

    /** Two open images may have one title and size, and no file: the second has its own file. */
    private Path path(ImagePlus imp) {
        paths.keySet().removeIf(other -> other != imp && other.getWindow() == null);
        Path path = LabelFile.ofImage(imp, 1);
        for (int k = 2; isOfAnother(path, imp); k++) {
            path = LabelFile.ofImage(imp, k);
        }
        paths.put(imp, path);
        return path;
    }

    private boolean isOfAnother(Path path, ImagePlus imp) {
        return paths.entrySet().stream()
                .anyMatch(taken -> taken.getKey() != imp && taken.getValue().equals(path));
    }

    void close() {
        writer.shutdown(); // what waits is still written
    }
}
