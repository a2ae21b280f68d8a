package tdseg.fiji.images;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.io.RoiDecoder;
import ij.plugin.frame.RoiManager;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Fields;

/** Changes of an image's overlay, or of the ROI Manager. */
public final class OverlayEdits {
    private OverlayEdits() {}

    /** Does what a reply asks for. */
    public static void apply(Fields edit, ImagePlus imp) {
        GroupColours.lut(); // else ImageJ complains at each group
        List<Roi> rois = new ArrayList<>();
        edit.objects("add").forEach(added -> rois.add(decoded(added)));
        edit.objects("outlines").forEach(outline -> rois.add(outline(outline, imp)));
        if (edit.has("label_selection")) {
            List<?> groupAndName = edit.list("label_selection");
            rois.add(SelectionLabel.of(imp, ((Number) groupAndName.get(0)).intValue(),
                    groupAndName.get(1).toString()));
        }
        if (edit.text("where").equals("manager")) {
            RoiManager manager = RoiManager.getRoiManager();
            rois.forEach(manager::addRoi);
            return;
        }
        Overlay overlay = imp.getOverlay();
        if (overlay == null || edit.flag("replace")) {
            overlay = new Overlay();
        }
        rois.forEach(overlay::add);
        imp.setOverlay(overlay);
    }

    private static Roi decoded(Fields added) {
        String name = added.text("name");
        Roi roi;
        try {
            roi = new RoiDecoder(Base64.getDecoder().decode(added.text("bytes")), name).getRoi();
        } catch (IOException | RuntimeException error) {
            throw new UserError("ROI '" + name + "' cannot be read by ImageJ ("
                    + error.getClass().getSimpleName() + "); leave it out of the file.");
        }
        int group = added.whole("group");
        if (roi.getGroup() != group && group < 256) {
            roi.setGroup(group); // ImageJ gives its default group to a ROI without one
        }
        if (added.whole("slice") > 0 && roi.getPosition() == 0) {
            PointSlices.set(roi, added.whole("slice")); // which ImageJ saves, but drops
        }
        return roi;
    }

    private static Roi outline(Fields outline, ImagePlus imp) {
        Roi roi = null;
        for (Object ring : outline.list("rings")) {
            List<?> corners = (List<?>) ring;
            float[] x = new float[corners.size() / 2];
            float[] y = new float[corners.size() / 2];
            for (int i = 0; i < x.length; i++) {
                x[i] = ((Number) corners.get(2 * i)).floatValue();
                y[i] = ((Number) corners.get(2 * i + 1)).floatValue();
            }
            Roi part = new PolygonRoi(x, y, Roi.TRACED_ROI);
            if (roi == null) {
                roi = part;
            } else { // a hole, or another part
                ShapeRoi whole = roi instanceof ShapeRoi ? (ShapeRoi) roi : new ShapeRoi(roi);
                roi = whole.xor(new ShapeRoi(part));
            }
        }
        roi.setName(outline.text("name"));
        SelectionLabel.place(roi, imp, 0, outline.whole("z") + 1, outline.whole("t") + 1);
        return roi;
    }
}
