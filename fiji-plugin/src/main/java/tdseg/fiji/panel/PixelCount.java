package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ByteProcessor;
import java.awt.Dimension;
import java.awt.Rectangle;
import java.util.IdentityHashMap;
import java.util.Map;

/** How many pixels a ROI labels: those that ImageJ fills. */
final class PixelCount {
    private static final int REMEMBERED = 4096;

    /** Counts of ROIs where they are: hundreds of strokes are counted at each new one. */
    private static final Map<Roi, PixelCount> KNOWN = new IdentityHashMap<>();

    private final Rectangle place;
    private final Dimension size;
    private final int count;

    private PixelCount(Roi roi, ImagePlus imp) {
        place = roi.getBounds();
        size = new Dimension(imp.getWidth(), imp.getHeight());
        count = counted(roi, imp);
    }

    /** Returns the count; to be called in the event thread. */
    static int of(Roi roi, ImagePlus imp) {
        PixelCount known = KNOWN.get(roi);
        if (known == null || !known.place.equals(roi.getBounds())
                || known.size.width != imp.getWidth() || known.size.height != imp.getHeight()) {
            if (KNOWN.size() == REMEMBERED) {
                KNOWN.clear();
            }
            known = new PixelCount(roi, imp);
            KNOWN.put(roi, known);
        }
        return known.count;
    }

    private static int counted(Roi roi, ImagePlus imp) {
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
