package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.io.FileInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * The session as a macro.
 *
 * <p>Labels come from files that are written when the macro is asked for: so strokes that were
 * undone, moved or deleted need no line, and every kind of selection replays exactly.
 */
final class Transcript {
    private final Path folder =
            LabelFile.folder().resolve("session-" + UUID.randomUUID().toString().substring(0, 8));
    private final List<Step> steps = new ArrayList<>();
    private int files;

    /** A command that was done, on an image with the labels of then; both null for none. */
    private static final class Step {
        final ImagePlus imp;
        final List<Roi> labels;
        final String line;
        final boolean isPassing;

        Step(ImagePlus imp, List<Roi> labels, String line, boolean isPassing) {
            this.imp = imp;
            this.labels = labels;
            this.line = line;
            this.isPassing = isPassing;
        }
    }

    /** Adds a command. */
    void add(ImagePlus imp, List<Roi> labels, String line) {
        steps.add(new Step(imp, labels, line, false));
    }

    /** Adds a training of Live, which the next one replaces unless a command used it. */
    void addPassing(ImagePlus imp, List<Roi> labels, String line) {
        int last = steps.size() - 1;
        if (last >= 0 && steps.get(last).isPassing) {
            steps.remove(last);
        }
        steps.add(new Step(imp, labels, line, true));
    }

    /**
     * Returns all as one macro.
     *
     * @throws IOException if the labels cannot be written.
     */
    String text() throws IOException {
        StringBuilder text = new StringBuilder();
        Set<ImagePlus> opened = new HashSet<>();
        ImagePlus imp = null;
        List<Roi> written = null;
        for (Step step : steps) {
            if (step.imp != null && step.imp != imp) {
                imp = step.imp;
                written = null;
                text.append(opened.add(imp) ? opening(imp) : selecting(imp)).append('\n');
            }
            if (step.labels != null && !step.labels.isEmpty() && !Labels.same(step.labels, written)) {
                written = step.labels;
                text.append(labelsLine(written)).append('\n');
            }
            text.append(step.line).append('\n');
            if (step.labels == null && step.imp != null) {
                written = null; // the command itself changed the labels
            }
        }
        return text.toString();
    }

    /** Writes labels to a file and returns the line that loads them. */
    String labelsLine(List<Roi> labels) throws IOException {
        Path path = folder.resolve("labels-" + ++files + ".zip");
        LabelFile.write(labels, path);
        return "run(\"TDS Load Labels...\", \"path=[" + escaped(path.toString())
                + "] replace=true\");";
    }

    private static String opening(ImagePlus imp) {
        FileInfo info = imp.getOriginalFileInfo();
        boolean fromFile = info != null && info.fileName != null && !info.fileName.isEmpty()
                && info.directory != null && !info.directory.isEmpty();
        return fromFile ? "open(\"" + escaped(info.getFilePath()) + "\");" : selecting(imp);
    }

    private static String selecting(ImagePlus imp) {
        return "selectImage(\"" + escaped(imp.getTitle()) + "\");";
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
