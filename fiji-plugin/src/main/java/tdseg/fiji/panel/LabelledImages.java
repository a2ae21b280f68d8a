package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.Roi;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The open images with their labels: all share the classes, and train unless they are left out. */
final class LabelledImages {
    private final Map<ImagePlus, Labels> seen = new LinkedHashMap<>();
    private final Set<ImagePlus> leftOut = new HashSet<>();

    /** Whether an image can be drawn on: a result is looked at. */
    static boolean isDrawnOn(ImagePlus imp) {
        return imp.getProp("tdseg.source") == null;
    }

    /** Returns the labels of an image. */
    Labels of(ImagePlus imp) {
        return seen.computeIfAbsent(imp, Labels::new);
    }

    /** Returns the labels of all images that are open and can be drawn on. */
    List<Labels> open() {
        int[] shown = WindowManager.getIDList();
        for (int id : shown == null ? new int[0] : shown) {
            ImagePlus imp = WindowManager.getImage(id);
            if (imp != null && imp.getWindow() != null && isDrawnOn(imp)) {
                of(imp);
            }
        }
        List<Labels> found = new ArrayList<>();
        for (Labels labels : seen.values()) {
            if (labels.imp.getWindow() != null) {
                found.add(labels);
            }
        }
        return found;
    }

    /** Forgets images that were closed. */
    void forgetClosed() {
        seen.keySet().removeIf(LabelledImages::isClosed);
        leftOut.removeIf(LabelledImages::isClosed);
    }

    private static boolean isClosed(ImagePlus imp) {
        return imp.getWindow() == null && WindowManager.getImage(imp.getID()) != imp;
    }

    /** Returns the open images that have labels. */
    List<Labels> labelled() {
        List<Labels> found = open();
        found.removeIf(labels -> labels.all().isEmpty());
        return found;
    }

    /** Returns the images that train: those with labels that were not left out. */
    List<Labels> training() {
        List<Labels> found = labelled();
        found.removeIf(this::isLeftOut);
        return found;
    }

    boolean isLeftOut(Labels labels) {
        return leftOut.contains(labels.imp);
    }

    void setLeftOut(Labels labels, boolean out) {
        if (out) {
            leftOut.add(labels.imp);
        } else {
            leftOut.remove(labels.imp);
        }
    }

    /** Returns the labels of images as they are now, by image. */
    static Map<ImagePlus, List<Roi>> now(List<Labels> images) {
        Map<ImagePlus, List<Roi>> found = new LinkedHashMap<>();
        images.forEach(labels -> found.put(labels.imp, labels.all()));
        return found;
    }
}
