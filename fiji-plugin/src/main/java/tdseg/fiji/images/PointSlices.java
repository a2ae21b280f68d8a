package tdseg.fiji.images;

import ij.gui.PointRoi;
import ij.gui.Roi;

/** The slice of points, which ImageJ keeps for each point as well as for all. */
public final class PointSlices {
    private PointSlices() {}

    /** Sets a ROI's stack index so that it is still there after saving and opening. */
    static void set(Roi roi, int position) {
        roi.setPosition(position);
        if (roi instanceof PointRoi) { // ImageJ saves and reads that of each point
            int[] counters = ((PointRoi) roi).getCounters();
            for (int i = 0; i < counters.length; i++) {
                counters[i] = counters[i] & 255 | position << 8;
            }
            ((PointRoi) roi).setCounters(counters);
        }
    }

    /** Returns a ROI whose points each have the slice that was set for all at once. */
    public static Roi kept(Roi roi) {
        if (!(roi instanceof PointRoi) || roi.getPosition() <= 0) {
            return roi;
        }
        for (int i = 0; i < ((PointRoi) roi).getNCoordinates(); i++) {
            if (((PointRoi) roi).getPointPosition(i) != roi.getPosition()) {
                return roi;
            }
        }
        Roi copy = (Roi) roi.clone();
        set(copy, roi.getPosition());
        return copy;
    }
}
