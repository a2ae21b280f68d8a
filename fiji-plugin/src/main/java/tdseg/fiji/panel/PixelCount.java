package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ByteProcessor;
import java.awt.Rectangle;

/** How many pixels a ROI labels: those that ImageJ fills. */
final class PixelCount {
    private PixelCount() {}

    static int of(Roi roi, ImagePlus imp) {
        Rectangle bounds = roi.getBounds();
        int margin = (int) Math.ceil(roi.getStrokeWidth()) + 2; // of thick lines
        bounds.grow(margin, margin);
        Rectangle inside = bounds.intersection(new Rectangle(imp.getWidth(), imp.getHeight()));
        if (inside.isEmpty()) {
            return 0;
        }
        Roi moved = (Roi) roi.clone();
        moved.setImage(null);
        Rectangle place = roi.getBounds();
        moved.setLocation(place.x - inside.x, place.y - inside.y);
        ByteProcessor mask = new ByteProcessor(inside.width, inside.height);
        mask.setValue(255);
        mask.fill(moved);
        return mask.getHistogram()[255];
    }
}
