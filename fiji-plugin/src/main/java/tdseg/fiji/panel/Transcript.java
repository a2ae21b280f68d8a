package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.io.FileInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The session as a macro.
 *
 * <p>Labels come from files that are written when the macro is asked for: so strokes that were
 * undone, moved or deleted need no line, and every kind of selection replays exactly.
 */
final class Transcript {
    /** Where a training by a macro may have taken its labels from, besides overlay and file. */
    private static final Pattern ELSEWHERE = Pattern.compile(
            "[ \"](labels=(?:manager|selection)|labels_image=(?:\\[[^\\]]*\\]|[^ \"]*))");

    private static final Pattern MAKES =
            Pattern.compile("run\\(\"TDS (Train|Load Classifier|Segment Without)");
    private static final Pattern SHOWS =
            Pattern.compile("run\\(\"TDS (Apply\\.|Features|Objects|Segment Without)");
    private static final Pattern NEEDS =
            Pattern.compile("run\\(\"TDS (?!.* model=)(Apply|Save Classifier|Objects|Class Stat)");

    private final Path folder =
            LabelFile.folder().resolve("session-" + UUID.randomUUID().toString().substring(0, 8));
    private final List<Step> steps = new ArrayList<>();
    private final Map<Path, List<Roi>> written = new LinkedHashMap<>(); // labels in files

    /** A command that was done, on an image (or null) with the labels of then, of it and others. */
    private static final class Step {
        final ImagePlus imp;
        final Map<ImagePlus, List<Roi>> labels;
        final String line;
        final boolean isPassing;

        Step(ImagePlus imp, Map<ImagePlus, List<Roi>> labels, String line, boolean isPassing) {
            this.imp = imp;
            this.labels = labels;
            this.line = line;
            this.isPassing = isPassing;
        }
    }

    /**
     * Adds a command.
     *
     * @param imp the image that it worked on, or null.
     * @param labels those of then, by image; null: it changed them itself.
     */
    void add(ImagePlus imp, Map<ImagePlus, List<Roi>> labels, String line) {
        steps.add(new Step(imp, labels, line, false));
    }

    /** Adds a training of Live, which the next one replaces unless a command used it. */
    void addPassing(ImagePlus imp, Map<ImagePlus, List<Roi>> labels, String line) {
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
        return new Writing().text();
    }

    /** The macro while it is written. */
    private final class Writing {
        private final StringBuilder text = new StringBuilder();
        private final List<ImagePlus> opened = new ArrayList<>();
        private final Map<ImagePlus, List<Roi>> loaded = new HashMap<>();
        private ImagePlus active;
        private boolean hasClassifier;

        String text() throws IOException {
            for (Step step : steps) {
                if (step.labels != null) {
                    for (Map.Entry<ImagePlus, List<Roi>> entry : step.labels.entrySet()) {
                        load(entry.getKey(), entry.getValue());
                    }
                }
                activate(step.imp);
                if (NEEDS.matcher(step.line).find() && !hasClassifier) {
                    line("// The next line's classifier was there before the panel: load it here, "
                            + "with TDS Load Classifier...");
                    hasClassifier = true; // said once
                }
                hasClassifier |= MAKES.matcher(step.line).find();
                Matcher elsewhere = ELSEWHERE.matcher(step.line);
                if (elsewhere.find()) {
                    line("// The next line has " + elsewhere.group(1) + ", which no file of this "
                            + "session holds: have them there.");
                }
                line(step.line);
                if (step.labels == null) {
                    loaded.remove(step.imp); // the command itself changed them
                }
                if (SHOWS.matcher(step.line).find()) {
                    active = null; // the result is in front now
                }
            }
            return text.toString();
        }

        private void load(ImagePlus imp, List<Roi> labels) throws IOException {
            if (!labels.isEmpty() && !Labels.same(labels, loaded.get(imp))) {
                activate(imp);
                line(labelsLine(labels));
                loaded.put(imp, labels);
            }
        }

        /** Titles may come twice, so the images are known by variables where there are several. */
        private void activate(ImagePlus imp) {
            if (imp == null || imp == active) {
                return;
            }
            active = imp;
            int place = opened.indexOf(imp) + 1;
            if (place > 0) {
                line("selectImage(image" + place + ");");
                return;
            }
            opened.add(imp);
            if (!isFromFile(imp)) {
                line("// Image '" + imp.getTitle() + "' is of no file: have it open.");
            }
            line(opening(imp));
            if (isChanged(imp)) {
                line("// Image '" + imp.getTitle() + "' was cropped, scaled or converted after it "
                        + "was opened: put that command here.");
            }
            if (isSelectedAgain()) {
                line("image" + opened.size() + " = getImageID();");
            }
        }

        private boolean isSelectedAgain() {
            Set<ImagePlus> all = new HashSet<>();
            boolean another = false;
            for (Step step : steps) {
                if (another && step.imp != null) {
                    return true;
                }
                another |= SHOWS.matcher(step.line).find();
                all.add(step.imp);
                if (step.labels != null) {
                    all.addAll(step.labels.keySet());
                }
            }
            all.remove(null);
            return all.size() > 1;
        }

        private void line(String line) {
            text.append(line).append('\n');
        }
    }

    /** Writes labels to a file and returns the line that loads them. */
    String labelsLine(List<Roi> labels) throws IOException {
        Path path = null;
        for (Map.Entry<Path, List<Roi>> before : written.entrySet()) {
            path = Labels.same(before.getValue(), labels) ? before.getKey() : path;
        }
        if (path == null) {
            path = folder.resolve("labels-" + (written.size() + 1) + ".zip");
            LabelFile.write(labels, path);
            written.put(path, labels);
        }
        return "run(\"TDS Load Labels...\", \"path=[" + escaped(path.toString())
                + "] replace=true\");";
    }

    private static String opening(ImagePlus imp) {
        return isFromFile(imp)
                ? "open(\"" + escaped(imp.getOriginalFileInfo().getFilePath()) + "\");"
                : selecting(imp);
    }

    private static boolean isFromFile(ImagePlus imp) {
        FileInfo info = imp.getOriginalFileInfo();
        return info != null && info.fileName != null && !info.fileName.isEmpty()
                && info.directory != null && !info.directory.isEmpty();
    }

    /** Whether an image has another size or type than its file. */
    static boolean isChanged(ImagePlus imp) {
        FileInfo info = imp.getOriginalFileInfo();
        return info != null && info.width > 0 && (info.width != imp.getWidth()
                || info.height != imp.getHeight()
                || imp.getBitDepth() != 24 && imp.getBitDepth() != 8 * info.getBytesPerPixel());
    }

    /** Returns the line that brings an image to the front. */
    static String selecting(ImagePlus imp) {
        return "selectImage(\"" + escaped(imp.getTitle()) + "\");";
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
