package tdseg.fiji.images;

import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.io.RoiDecoder;
import ij.plugin.frame.RoiManager;
import java.awt.Color;
import java.awt.geom.GeneralPath;
import java.awt.geom.Path2D;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
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
        Overlay before = imp.getOverlay();
        // Another one: who looks at the old one meanwhile sees it as it was.
        Overlay overlay = before == null ? new Overlay() : before.create();
        if (before != null && !edit.flag("replace")) {
            Arrays.asList(before.toArray()).forEach(overlay::add);
        }
        rois.forEach(overlay::add);
        imp.setOverlay(overlay);
    }

    static Roi decoded(Fields added) {
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
        List<?> rings = outline.list("rings");
        Roi roi;
        if (rings.size() == 1) {
            float[][] corners = corners(rings.get(0));
            roi = new PolygonRoi(corners[0], corners[1], Roi.TRACED_ROI);
        } else { // with holes, or other parts
            GeneralPath path = new GeneralPath(Path2D.WIND_EVEN_ODD);
            for (Object ring : rings) {
                float[][] corners = corners(ring);
                path.moveTo(corners[0][0], corners[1][0]);
                for (int i = 1; i < corners[0].length; i++) {
                    path.lineTo(corners[0][i], corners[1][i]);
                }
                path.closePath();
            }
            roi = new ShapeRoi(path);
        }
        roi.setName(outline.text("name"));
        int value = outline.whole("value");
        if (value > 0) {
            roi.setStrokeColor(new Color(GroupColours.lut().getRGB(Math.min(value, 255))));
        }
        SelectionLabel.place(roi, imp, 0, outline.whole("z") + 1, outline.whole("t") + 1);
        return roi;
    }

    private static float[][] corners(Object ring) {
        List<?> numbers = (List<?>) ring;
        float[][] corners = new float[2][numbers.size() / 2];
        for (int i = 0; i < numbers.size(); i++) {
            corners[i % 2][i / 2] = ((Number) numbers.get(i)).floatValue();
        }
        return corners;
    }
}
