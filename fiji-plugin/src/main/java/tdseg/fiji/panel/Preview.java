package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import java.awt.Rectangle;
import java.util.ArrayList;
import java.util.List;

/**
 * The classes over the image, in its window only: no ROI, no label, and nothing that is saved.
 *
 * <p>They belong to one plane of an image as it was: elsewhere they are not shown. They come in
 * pictures of parts of the plane; one of an older classifier, or older than the labels, is pale.
 */
final class Preview {
    private static final int MOST_PARTS = 6;
    private final List<Part> parts = new ArrayList<>();
    private ImagePlus imp;
    private String of = "";
    private Overlay overlay;
    private double opacity = 0.4;
    private int classifier;
    private boolean knowsLabels = true;

    private static final class Part {
        final ClassPicture picture;
        final ImageRoi roi;
        final int classifier;

        Part(ClassPicture picture, int classifier) {
            this.picture = picture;
            this.classifier = classifier;
            roi = new ImageRoi(picture.area.x, picture.area.y, picture.pixels);
        }
    }

    /** Shows classes of a part of the plane that is described; those of other parts stay. */
    void show(ImagePlus image, String plane, ClassPicture picture, int byClassifier) {
        if (imp != image || !of.equals(plane)) {
            clear();
        }
        imp = image;
        of = plane;
        parts.removeIf(part -> picture.area.contains(part.picture.area));
        parts.forEach(part -> part.picture.cut(picture.area));
        if (parts.size() == MOST_PARTS) {
            parts.remove(0);
        }
        parts.add(new Part(picture, byClassifier));
        refresh();
    }

    /**
     * Says which classifier is the present one, and whether it knows the labels: what is older
     * becomes pale.
     */
    void setPresent(int present, boolean isAware) {
        if (classifier != present || knowsLabels != isAware) {
            classifier = present;
            knowsLabels = isAware;
            refresh();
        }
    }

    /** Whether there is something of what this image shows now, current or not. */
    boolean isOf(ImagePlus image) {
        return imp == image && !parts.isEmpty() && of.equals(ShownPlane.describe(image));
    }

    /** Whether the present classifier's classes of a part of this image are there. */
    boolean covers(ImagePlus image, Rectangle area) {
        return isOf(image) && parts.stream().anyMatch(
                part -> part.classifier == classifier && part.picture.area.contains(area));
    }

    /** Shows it again where the ROI Manager took its place and left it. */
    void keep() {
        ImageCanvas canvas = canvas();
        if (canvas != null && !parts.isEmpty() && canvas.getShowAllList() == null) {
            refresh();
        }
    }

    void setOpacity(double value) {
        opacity = value;
        refresh();
    }

    void clear() {
        ImageCanvas canvas = canvas();
        if (canvas != null && overlay != null && canvas.getShowAllList() == overlay) {
            canvas.setShowAllList(null);
            canvas.repaint();
        }
        parts.clear();
        overlay = null;
        imp = null;
    }

    private void refresh() {
        ImageCanvas canvas = canvas();
        if (canvas != null && !parts.isEmpty()) {
            Overlay shown = canvas.getShowAllList();
            if (shown != null && shown != overlay) {
                return; // the ROI Manager shows all of its ROIs
            }
            overlay = new Overlay();
            for (Part part : parts) {
                boolean isTrue = part.classifier == classifier && knowsLabels;
                part.roi.setOpacity(isTrue ? opacity : opacity / 3);
                overlay.add(part.roi);
            }
            canvas.setShowAllList(overlay);
            canvas.repaint();
        }
    }

    private ImageCanvas canvas() {
        return imp == null || imp.getWindow() == null ? null : imp.getCanvas();
    }
}
