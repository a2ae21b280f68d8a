package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.process.ColorProcessor;
import ij.process.ImageProcessor;
import ij.process.LUT;
import tdseg.fiji.images.GroupColours;

/**
 * The classes over the image, in its window only: no ROI, no label, and nothing that is saved.
 *
 * <p>It belongs to one plane of an image as it was: elsewhere it is not shown.
 */
final class Preview {
    private ImagePlus imp;
    private String of = "";
    private ImageRoi picture;
    private Overlay overlay;
    private double opacity = 0.4;
    private boolean outdated;

    /** Shows the classes of the plane that is described. */
    void show(ImagePlus image, String plane, ImageProcessor labels) {
        clear();
        imp = image;
        of = plane;
        outdated = false;
        picture = new ImageRoi(0, 0, coloured(labels));
        picture.setZeroTransparent(true);
        overlay = new Overlay(picture);
        refresh();
    }

    /** Describes the plane that an image shows: another plane or shape has another text. */
    static String plane(ImagePlus imp) {
        return imp.getID() + " " + imp.getZ() + " " + imp.getT() + " " + imp.getWidth() + "x"
                + imp.getHeight() + "x" + imp.getStackSize() + " " + imp.getType();
    }

    /** Whether classes of what this image shows now are there, current or not. */
    boolean isOf(ImagePlus image) {
        return imp == image && picture != null && of.equals(plane(image));
    }

    /** Whether what is shown is what the labels give. */
    boolean isCurrent(ImagePlus image) {
        return isOf(image) && !outdated;
    }

    /** Marks what is shown as older than the labels: it fades. */
    void setOutdated() {
        if (picture != null && !outdated) {
            outdated = true;
            refresh();
        }
    }

    void setOpacity(double value) {
        opacity = value;
        refresh();
    }

    void clear() {
        ImageCanvas canvas = canvas();
        if (canvas != null && canvas.getShowAllList() == overlay) {
            canvas.setShowAllList(null);
            canvas.repaint();
        }
        picture = null;
        overlay = null;
        imp = null;
    }

    private void refresh() {
        ImageCanvas canvas = canvas();
        if (canvas != null && picture != null) {
            picture.setOpacity(outdated ? opacity / 3 : opacity);
            canvas.setShowAllList(overlay);
            canvas.repaint();
        }
    }

    private ImageCanvas canvas() {
        return imp == null || imp.getWindow() == null ? null : imp.getCanvas();
    }

    private static ColorProcessor coloured(ImageProcessor labels) {
        LUT lut = GroupColours.ofLabels();
        int[] pixels = new int[labels.getPixelCount()];
        for (int i = 0; i < pixels.length; i++) {
            int value = Math.min(labels.get(i), 255);
            pixels[i] = value == 0 ? 0 : lut.getRGB(value);
        }
        return new ColorProcessor(labels.getWidth(), labels.getHeight(), pixels);
    }
}
