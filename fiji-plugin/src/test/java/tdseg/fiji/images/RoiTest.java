package tdseg.fiji.images;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.OvalRoi;
import ij.gui.PointRoi;
import ij.gui.PolygonRoi;
import ij.gui.Roi;
import ij.gui.ShapeRoi;
import ij.io.RoiEncoder;
import ij.process.ByteProcessor;
import java.awt.geom.Ellipse2D;
import java.util.Base64;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.Json;

class RoiTest {
    @BeforeEach
    void thereAreColours() {
        GroupColours.lut();
    }

    private static byte[] filled(Roi roi) {
        ByteProcessor mask = new ByteProcessor(40, 30);
        mask.setValue(255);
        mask.fill((Roi) roi.clone());
        return (byte[]) mask.getPixels();
    }

    private static void assertTraced(Roi roi) {
        roi.setName("n");
        roi.setGroup(3);
        roi.setPosition(2);
        Roi traced = DrawableRoi.of(roi, 40, 30);
        assertNotSame(roi, traced);
        assertArrayEquals(filled(roi), filled(traced));
        assertEquals("n", traced.getName());
        assertEquals(3, traced.getGroup());
        assertEquals(2, traced.getPosition());
    }

    @Test
    void whatOnlyImageJDrawsIsTraced() {
        Roi rounded = new Roi(3, 4, 20, 15);
        rounded.setCornerDiameter(9);
        assertTraced(rounded);
        PolygonRoi spline = new PolygonRoi(
                new float[] {3, 30, 25, 8}, new float[] {4, 6, 25, 20}, Roi.POLYGON);
        spline.fitSpline();
        assertTraced(spline);
        assertTraced(new ShapeRoi(new Ellipse2D.Double(2, 2, 20, 20)));
    }

    @Test
    void allOthersAreSentAsTheyAre() {
        Roi oval = new OvalRoi(2, 2, 20, 20);
        assertSame(oval, DrawableRoi.of(oval, 40, 30));
    }

    @Test
    void coordinatesBeyondShortNumbersBecomeFractions() {
        Roi far = new Roi(40000, 5, 10, 10);
        assertEquals(40000, DrawableRoi.of(far, 40, 30).getXBase());
        assertTrue(DrawableRoi.of(far, 40, 30).subPixelResolution());
    }

    @Test
    void aCurveTooLargeToFillIsRefused() {
        Roi rounded = new Roi(0, 0, 20000, 20000);
        rounded.setCornerDiameter(9);
        UserError error = assertThrows(UserError.class, () -> DrawableRoi.of(rounded, 40, 30));
        assertTrue(error.getMessage().startsWith(
                "ROI 'without a name' is 20000x20000 pixels with a line of 0, too large to draw"));
    }

    @Test
    void aSelectionBecomesALabelOnItsSlice() {
        ImagePlus imp = IJ.createImage("s", "8-bit black", 40, 30, 3);
        imp.setSlice(2);
        imp.setRoi(new PointRoi(5, 6));
        OverlayEdits.apply(edit("{\"label_selection\": [4, \"four\"]}"), imp);
        Roi label = imp.getOverlay().get(0);
        assertEquals(4, label.getGroup());
        assertEquals("four", label.getName());
        assertEquals(2, label.getPosition());
        assertEquals(2 << 8, ((PointRoi) label).getCounters()[0] & ~255);
        assertEquals(0, imp.getRoi().getGroup());
    }

    @Test
    void roisOfAFileComeWithTheirGroup() {
        ImagePlus imp = IJ.createImage("s", "8-bit black", 40, 30, 1);
        byte[] bytes = RoiEncoder.saveAsByteArray(new Roi(1, 2, 3, 4));
        OverlayEdits.apply(edit("{\"add\": [{\"name\": \"r\", \"group\": 7, \"bytes\": \""
                + Base64.getEncoder().encodeToString(bytes) + "\"}], \"replace\": true}"), imp);
        assertEquals(7, imp.getOverlay().get(0).getGroup());
        UserError error = assertThrows(UserError.class, () -> OverlayEdits.apply(
                edit("{\"add\": [{\"name\": \"r\", \"group\": 7, \"bytes\": \"AAAA\"}]}"), imp));
        assertTrue(error.getMessage().startsWith("ROI 'r' cannot be read by ImageJ ("));
    }

    @Test
    void anObjectMayHaveAHole() {
        ImagePlus imp = IJ.createImage("s", "8-bit black", 40, 30, 1);
        OverlayEdits.apply(edit("{\"outlines\": [{\"name\": \"o\", \"z\": 0, \"t\": 0, \"rings\": "
                + "[[2, 2, 12, 2, 12, 12, 2, 12], [5, 5, 8, 5, 8, 8, 5, 8]]}]}"), imp);
        Roi roi = imp.getOverlay().get(0);
        assertEquals(91, roi.getStatistics().pixelCount);
        assertEquals("o", roi.getName());
    }

    private static Fields edit(String json) {
        return new Fields(Json.read(json));
    }
}
