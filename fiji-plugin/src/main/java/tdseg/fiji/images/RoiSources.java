package tdseg.fiji.images;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.PointRoi;
import ij.gui.Roi;
import ij.io.RoiEncoder;
import ij.plugin.frame.RoiManager;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;

/** Where an image's ROIs are: its overlay, the ROI Manager, its selection. */
public final class RoiSources {
    private RoiSources() {}

    /** Returns ROIs in ImageJ's own encoding, of kinds that can be drawn without ImageJ. */
    public static List<String> encoded(ImagePlus imp, String source) {
        boolean asTheyAre = source.equals("overlay as it is");
        List<String> found = new ArrayList<>();
        for (Roi roi : rois(imp, source)) {
            Roi sent = asTheyAre ? roi : DrawableRoi.of(roi, imp.getWidth(), imp.getHeight());
            byte[] bytes = RoiEncoder.saveAsByteArray(PointSlices.kept(sent));
            found.add(Base64.getEncoder().encodeToString(bytes));
        }
        return found;
    }

    private static List<Roi> rois(ImagePlus imp, String source) {
        if (source.equals("selection")) {
            Roi roi = imp.getRoi();
            return roi == null
                    ? Collections.emptyList() : Collections.singletonList(onCurrentPlane(roi, imp));
        }
        if (source.equals("manager")) {
            RoiManager manager =
                    GraphicsEnvironment.isHeadless() ? null : RoiManager.getInstance2();
            return manager == null
                    ? Collections.emptyList() : Arrays.asList(manager.getRoisAsArray());
        }
        Overlay overlay = imp.getOverlay();
        return overlay == null ? Collections.emptyList() : Arrays.asList(overlay.toArray());
    }

    /** Places a selection where the user sees it now: that needs no line in the Log. */
    private static Roi onCurrentPlane(Roi roi, ImagePlus imp) {
        if (roi instanceof PointRoi || roi.hasHyperStackPosition() || roi.getPosition() > 0) {
            return roi;
        }
        Roi placed = (Roi) roi.clone();
        placed.setPosition(imp.getCurrentSlice());
        return placed;
    }
}
