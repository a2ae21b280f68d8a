package tdseg.fiji.images;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.process.LUT;
import java.util.List;
import org.junit.jupiter.api.Test;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.Json;

class ResultsTest {
    private static final String SHAPE = "{\"kind\": \"%s\", \"title\": \"r\", \"names\": %s, "
            + "\"info\": [[\"a\", \"1\"]], \"shape\": [%s]}";

    private static ImagePlus source(int channels, int slices, int frames) {
        ImagePlus imp = IJ.createImage("s", "16-bit black", 4, 3, channels * slices * frames);
        imp.setDimensions(channels, slices, frames);
        imp.setOpenAsHyperStack(frames > 1);
        imp.getCalibration().pixelWidth = 0.5;
        imp.getCalibration().setUnit("um");
        return imp;
    }

    private static ImagePlus result(String kind, String names, String shape, ImagePlus imp) {
        Fields facts = new Fields(Json.read(String.format(SHAPE, kind, names, shape)));
        return Results.of(facts, imp, plane -> kind.equals("labels") || kind.equals("overlay")
                ? new byte[] {(byte) plane, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0} : floats(plane));
    }

    private static float[] floats(int first) {
        float[] values = new float[12];
        values[0] = first;
        return values;
    }

    @Test
    void labelsHaveTheColoursOfGroupsAndTheImagesSizes() {
        ImagePlus imp = source(2, 3, 2);
        ImagePlus made = result("labels", "[]", "2, 3, 1, 3, 4", imp);
        assertArrayEquals(new int[] {4, 3, 1, 3, 2}, made.getDimensions());
        assertEquals(8, made.getBitDepth());
        assertEquals(0.5, made.getCalibration().pixelWidth);
        assertEquals("a: 1\n", made.getInfoProperty());
        assertTrue(made.getOpenAsHyperStack());
        assertEquals(5, made.getStack().getProcessor(6).get(0));
        LUT lut = made.getProcessor().getLut();
        Roi roi = new Roi(0, 0, 1, 1);
        roi.setGroup(2);
        assertEquals(roi.getStrokeColor().getRGB(), lut.getRGB(2));
        assertEquals(0xff000000, lut.getRGB(0));
        assertEquals(Integer.toString(imp.getID()), Results.sourceOf(made.duplicate()));
        assertEquals("", Results.sourceOf(imp));
    }

    @Test
    void labelsKeepTheNamesOfSlices() {
        ImagePlus made = result("labels", "[\"day 1\", \"\", \"day 3\"]", "1, 3, 1, 3, 4",
                source(2, 3, 1));
        assertEquals("day 1", made.getStack().getSliceLabel(1));
        assertNull(made.getStack().getSliceLabel(2));
        assertEquals("day 3", made.getStack().getSliceLabel(3));
        ImagePlus single = result("labels", "[\"mine\"]", "1, 1, 1, 3, 4", source(1, 1, 1));
        assertEquals("mine", single.getProperty("Label"));
    }

    @Test
    void aChannelOfProbabilitiesIsAClass() {
        ImagePlus made =
                result("probabilities", "[\"x\", \"y\"]", "1, 2, 2, 3, 4", source(1, 2, 1));
        assertArrayEquals(new int[] {4, 3, 2, 2, 1}, made.getDimensions());
        assertEquals("y", made.getStack().getSliceLabel(4));
        assertEquals(1, made.getDisplayRangeMax());
        assertTrue(made.isHyperStack() || made.getOpenAsHyperStack());
    }

    @Test
    void featuresOfOnePlaneAreAStack() {
        ImagePlus made = result("features", "[\"x\", \"y\"]", "1, 1, 2, 3, 4", source(1, 1, 1));
        assertArrayEquals(new int[] {4, 3, 1, 2, 1}, made.getDimensions());
        assertFalse(made.getOpenAsHyperStack());
        assertEquals(1, made.getCalibration().pixelDepth);
    }

    @Test
    void labelsOverACopyAreImagesAtTheirSlices() {
        ImagePlus imp = source(1, 3, 1);
        imp.getStack().getProcessor(2).set(0, 7);
        imp.setOverlay(new Overlay(new Roi(0, 0, 1, 1)));
        ImagePlus made = result("overlay", "[]", "1, 3, 1, 3, 4", imp);
        assertEquals(7, made.getStack().getProcessor(2).get(0));
        assertEquals(3, made.getOverlay().size());
        assertEquals(2, made.getOverlay().get(1).getPosition());
        assertEquals("labels-02", made.getOverlay().get(1).getName());
        assertEquals(1, imp.getOverlay().size());
    }

    @Test
    void aSinglePlaneKeepsNoLabelThatImageJMadeUp() {
        ImagePlus imp = source(1, 1, 1);
        imp.setProperty("Info", "anything");
        assertNull(ImageFacts.details(imp).get("slice_labels"));
        imp.setProperty("Label", "mine");
        assertEquals("[mine]", ((List<?>) ImageFacts.details(imp).get("slice_labels")).toString());
    }
}
