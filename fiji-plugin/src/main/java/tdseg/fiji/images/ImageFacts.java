package tdseg.fiji.images;

import ij.ImagePlus;
import ij.ImageStack;
import ij.measure.Calibration;
import ij.process.ImageProcessor;
import ij.process.LUT;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import tdseg.fiji.UserError;

/** What the worker learns of an image besides its pixels. */
public final class ImageFacts {
    private static final String[] TYPES = {"8-bit", "16-bit", "32-bit", "8-bit color", "RGB"};

    private ImageFacts() {}

    /** Returns the number of an image, as text: titles may come twice. */
    public static String identity(ImagePlus imp) {
        return Integer.toString(imp.getID());
    }

    /** Returns the sizes T, Z, C, Y, X. */
    public static int[] shape(ImagePlus imp) {
        return new int[] {imp.getNFrames(), imp.getNSlices(), imp.getNChannels(), imp.getHeight(),
            imp.getWidth()};
    }

    /** Describes an image; nothing is copied until the worker asks. */
    public static Map<String, Object> brief(ImagePlus imp) {
        Map<String, Object> facts = new HashMap<>();
        facts.put("title", imp.getTitle());
        facts.put("identity", identity(imp));
        facts.put("shape", Arrays.stream(shape(imp)).boxed().collect(Collectors.toList()));
        facts.put("plane", (imp.getT() - 1) * imp.getNSlices() + imp.getZ() - 1);
        facts.put("made_from", Results.sourceOf(imp));
        facts.put("type", TYPES[imp.getType()]);
        return facts;
    }

    /**
     * Tells what the pixels of an image mean.
     *
     * @throws UserError if there are RGB planes in several channels, or no pixels.
     */
    public static Map<String, Object> details(ImagePlus imp) {
        boolean rgb = imp.getType() == ImagePlus.COLOR_RGB;
        if (rgb && imp.getNChannels() > 1) {
            throw new UserError("Image '" + imp.getTitle() + "' has " + imp.getNChannels()
                    + " channels of RGB planes; split it into RGB images.");
        }
        if ((long) imp.getWidth() * imp.getHeight() == 0 || imp.getStackSize() == 0) {
            throw new UserError("Image '" + imp.getTitle() + "' has no pixels.");
        }
        Map<String, Object> facts = brief(imp);
        boolean signed = imp.getBitDepth() == 16 && imp.getCalibration().isSigned16Bit();
        facts.put("signed", signed);
        facts.put("virtual", imp.getStack().isVirtual());
        facts.put("palette", hasPalette(imp) ? palette(imp.getProcessor().getLut()) : null);
        facts.put("calibration", calibration(imp));
        facts.put("hyperstack", imp.getOpenAsHyperStack());
        facts.put("slice_labels", sliceLabels(imp));
        facts.put("info", imp.getProperty("Info") == null
                ? null : imp.getProperty("Info").toString());
        facts.put("calibration_function", function(imp.getCalibration()));
        return facts;
    }

    private static Map<String, Object> calibration(ImagePlus imp) {
        PixelSizes sizes = PixelSizes.of(imp);
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("pixel_width", finite(sizes.width));
        found.put("pixel_height", finite(sizes.height));
        found.put("pixel_depth", finite(sizes.depth));
        found.put("unit", sizes.unit);
        found.put("unit_y", sizes.unitY);
        found.put("unit_z", sizes.unitZ);
        found.put("frame_interval", finite(sizes.interval));
        found.put("time_unit", sizes.timeUnit);
        found.put("x_origin", finite(sizes.x));
        found.put("y_origin", finite(sizes.y));
        found.put("z_origin", finite(sizes.z));
        return found;
    }

    /** Numbers that JSON cannot hold travel as words. */
    private static Object finite(double value) {
        return Double.isNaN(value) || Double.isInfinite(value) ? Double.toString(value) : value;
    }

    private static Object sliceLabels(ImagePlus imp) {
        String[] labels = new String[imp.getStackSize()];
        ImageStack stack = imp.getStack();
        for (int i = 0; i < labels.length; i++) {
            // The stack of a single plane would make up a label of title and info.
            Object label = labels.length == 1
                    ? imp.getProperty("Label") : stack.getSliceLabel(i + 1);
            labels[i] = label == null ? null : label.toString();
        }
        boolean any = Arrays.stream(labels).anyMatch(label -> label != null);
        return any ? Arrays.asList(labels) : null;
    }

    private static Object function(Calibration calibration) {
        if (calibration.getFunction() == Calibration.NONE) {
            return null;
        }
        double[] values = calibration.getCoefficients();
        Object[] numbers = values == null
                ? null : Arrays.stream(values).mapToObj(ImageFacts::finite).toArray();
        return Arrays.asList(calibration.getFunction(),
                numbers == null ? null : Arrays.asList(numbers), calibration.getValueUnit());
    }

    /** Whether the colours came with a file of few colours: then the pixels are no grey values. */
    private static boolean hasPalette(ImagePlus imp) {
        if (imp.getType() == ImagePlus.COLOR_256) {
            return true;
        }
        if (imp.getType() != ImagePlus.GRAY8 || imp.isComposite() || imp.getStackSize() > 1) {
            return false;
        }
        ImageProcessor processor = imp.getProcessor();
        return processor.isColorLut() && processor.getLut().getMapSize() < 256;
    }

    private static String palette(LUT lut) {
        byte[][] parts = GroupColours.channels(lut);
        byte[] colours = new byte[768];
        for (int i = 0; i < 768; i++) {
            colours[i] = parts[i % 3][i / 3];
        }
        return Base64.getEncoder().encodeToString(colours);
    }
}
