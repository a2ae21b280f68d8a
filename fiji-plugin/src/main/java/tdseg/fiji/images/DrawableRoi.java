package tdseg.fiji.images;

import ij.gui.EllipseRoi;
import ij.gui.ImageRoi;
import ij.gui.Line;
import ij.gui.OvalRoi;
import ij.gui.PointRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.RotatedRectRoi;
import ij.gui.ShapeRoi;
import ij.gui.TextRoi;
import ij.plugin.filter.ThresholdToSelection;
import ij.process.ByteProcessor;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import java.awt.geom.Rectangle2D;
import java.util.Locale;
import tdseg.fiji.UserError;

/** ROIs of the same pixels that can be drawn without ImageJ, and that their encoding keeps. */
final class DrawableRoi {
    private static final int[] COORDINATES = {2, 2, 4, 6, 0}; // of the segments of a path
    private static final int LEAST_SHORT = -5000; // of whole coordinates in ij.io.RoiDecoder
    private static final int LARGEST_SHORT = 32767;
    private static final double FARTHEST = 1 << 24;
    private static final double LARGEST_BOX = 1 << 26; // pixels; ImageJ builds a mask of that size
    private static final double WIDEST_STROKE = 4096; // ImageJ draws wide lines dot by dot

    private DrawableRoi() {}

    /**
     * Returns a ROI that can be drawn.
     *
     * <p>Splines, rounded rectangles and composites with curves are filled by ImageJ, on an image
     * of this size, and traced; all other ROIs are returned as they are.
     *
     * @throws UserError if one of the former is not finite, or too large to fill.
     */
    static Roi of(Roi roi, int width, int height) {
        if (!isCurved(roi)) {
            return withoutShorts(roi);
        }
        Rectangle2D.Double bounds = roi.getFloatBounds();
        String name = roi.getName() == null || roi.getName().isEmpty()
                ? "without a name" : roi.getName();
        double[] sizes = {bounds.x, bounds.y, bounds.width, bounds.height};
        for (double size : sizes) {
            if (!(Math.abs(size) <= FARTHEST)) {
                throw new UserError("ROI '" + name
                        + "' has coordinates that are no numbers, or far too large.");
            }
        }
        if (bounds.width * bounds.height > LARGEST_BOX || roi.getStrokeWidth() > WIDEST_STROKE) {
            throw new UserError(String.format(Locale.ROOT, "ROI '%s' is %.0fx%.0f pixels with a "
                    + "line of %.0f, too large to draw; draw it again in the image.", name,
                    bounds.width, bounds.height, roi.getStrokeWidth()));
        }
        ByteProcessor mask = new ByteProcessor(width, height);
        mask.setValue(255);
        mask.fill((Roi) roi.clone());
        mask.setThreshold(255, 255, ImageProcessor.NO_LUT_UPDATE);
        Roi traced = new ThresholdToSelection().convert(mask);
        if (traced == null) { // outside the image: a rectangle there has no pixel either
            traced = new Roi(roi.getBounds());
        }
        return describedAs(traced, roi);
    }

    /** Gives a ROI the name, group, colours and position of another. */
    private static Roi describedAs(Roi copy, Roi roi) {
        copy.setName(roi.getName());
        if (roi.getGroup() > 0) {
            copy.setGroup(roi.getGroup());
        }
        copy.setStrokeColor(roi.getStrokeColor());
        copy.setFillColor(roi.getFillColor());
        if (roi.hasHyperStackPosition()) {
            copy.setPosition(roi.getCPosition(), roi.getZPosition(), roi.getTPosition());
        } else {
            copy.setPosition(roi.getPosition());
        }
        return copy;
    }

    /** Whole coordinates are stored as short numbers; those beyond become fractions. */
    private static Roi withoutShorts(Roi roi) {
        Rectangle box = roi.getBounds();
        boolean fits = Math.min(box.x, box.y) >= LEAST_SHORT
                && Math.min(box.x + box.width, box.y + box.height) >= LEAST_SHORT
                && Math.max(box.x, box.y) <= LARGEST_SHORT
                && Math.max(box.x + box.width, box.y + box.height) <= LARGEST_SHORT;
        if (fits || roi.subPixelResolution() || roi instanceof ShapeRoi || roi instanceof Line
                || roi instanceof TextRoi || roi instanceof ImageRoi) {
            return roi;
        }
        double x = box.x;
        double y = box.y;
        if (roi.getType() == Roi.RECTANGLE) {
            return describedAs(new Roi(x, y, (double) box.width, (double) box.height), roi);
        }
        if (roi.getType() == Roi.OVAL) {
            return describedAs(new OvalRoi(x, y, (double) box.width, (double) box.height), roi);
        }
        boolean polygon = roi instanceof PolygonRoi && !(roi instanceof PointRoi)
                && !(roi instanceof EllipseRoi) && !(roi instanceof RotatedRectRoi);
        if (!polygon) {
            return roi;
        }
        PolygonRoi copy = new PolygonRoi(roi.getFloatPolygon(), roi.getType());
        if (roi.getStrokeWidth() > 0) {
            copy.setStrokeWidth(roi.getStrokeWidth());
        }
        return describedAs(copy, roi);
    }

    private static boolean isCurved(Roi roi) {
        if (roi instanceof PolygonRoi && !(roi instanceof PointRoi)) {
            return ((PolygonRoi) roi).isSplineFit();
        }
        if (roi instanceof ShapeRoi) {
            float[] path = ((ShapeRoi) roi).getShapeAsArray();
            for (int at = 0; at < path.length; ) {
                int kind = (int) path[at];
                if (kind == 2 || kind == 3) { // SEG_QUADTO, SEG_CUBICTO
                    return true;
                }
                at += 1 + COORDINATES[kind];
            }
            return false;
        }
        return roi.getType() == Roi.RECTANGLE && !(roi instanceof ImageRoi)
                && roi.getCornerDiameter() > 0;
    }
}
