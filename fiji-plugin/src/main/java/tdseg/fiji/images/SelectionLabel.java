package tdseg.fiji.images;

import ij.ImagePlus;
import ij.gui.Roi;
import tdseg.fiji.UserError;

/** The selection of an image as a label of a class, on the plane that is shown. */
public final class SelectionLabel {
    private SelectionLabel() {}

    /**
     * Returns a copy of the selection with group, name and position.
     *
     * @throws UserError if there is no selection.
     */
    public static Roi of(ImagePlus imp, int group, String name) {
        if (imp.getRoi() == null) {
            throw new UserError("The selection is gone; draw it again.");
        }
        GroupColours.lut(); // else ImageJ complains at each group
        Roi label = (Roi) imp.getRoi().clone();
        label.setGroup(group);
        label.setName(name);
        if (imp.isHyperStack() || imp.getStackSize() == 1) {
            place(label, imp, imp.getC(), imp.getZ(), imp.getT());
        } else { // an image without a window knows its slice alone
            PointSlices.set(label, imp.getCurrentSlice());
        }
        return label;
    }

    /** Gives a ROI its position; all count from 1, channel 0 is all channels. */
    static void place(Roi roi, ImagePlus imp, int c, int z, int t) {
        if (imp.getStackSize() == 1) {
            return;
        }
        if (imp.isHyperStack()) {
            roi.setPosition(c, z, t);
        } else {
            PointSlices.set(roi, imp.getStackIndex(Math.max(c, 1), z, t));
        }
    }
}
