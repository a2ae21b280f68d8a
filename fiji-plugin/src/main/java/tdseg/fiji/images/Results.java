package tdseg.fiji.images;

import ij.ImagePlus;
import ij.ImageStack;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.process.ColorProcessor;
import ij.process.LUT;
import java.awt.Color;
import java.util.List;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tdseg.fiji.table.Fields;

/** Results as new images, the way Fiji's own tools show theirs; the active image stays as it is. */
public final class Results {
    private static final String SOURCE = "tdseg.source";
    private static final String THIS_IMAGEJ =
            UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    private static final double OPACITY = 0.4;
    private static final Pattern COLOUR = Pattern.compile("legend colour (\\d+)");

    private Results() {}

    /**
     * Makes the image of a result.
     *
     * @param result as a reply describes it.
     * @param imp the image that it was made from.
     * @param planes gives the pixels of a plane; planes count in the order T, Z, C.
     */
    public static ImagePlus of(Fields result, ImagePlus imp, IntFunction<Object> planes) {
        ImagePlus made;
        switch (result.text("kind")) {
            case "probabilities":
                made = probabilities(result, imp, planes);
                break;
            case "uncertainty":
                made = stacked(result, imp, planes);
                made.setDisplayRange(0, 1);
                break;
            case "features":
                made = features(result, imp, planes);
                break;
            case "overlay":
                made = overlay(result, imp, planes);
                break;
            default:
                made = labels(result, imp, planes);
        }
        lay(result.objects("rois"), made);
        // A property that duplicates have too, and files: there the ID is one of an ImageJ that is
        // gone.
        made.setProp(SOURCE, THIS_IMAGEJ + " " + imp.getID());
        return made;
    }

    /** Lays ROIs over an image: a legend. */
    private static void lay(List<Fields> rois, ImagePlus made) {
        if (rois.isEmpty()) {
            return;
        }
        Overlay overlay = made.getOverlay() == null ? new Overlay() : made.getOverlay();
        for (Fields each : rois) {
            Roi roi = OverlayEdits.decoded(each);
            Matcher colour = COLOUR.matcher(each.text("name"));
            if (colour.matches()) { // the colours of this ImageJ
                int value = Math.min(Integer.parseInt(colour.group(1)), 255);
                roi.setFillColor(new Color(GroupColours.ofLabels().getRGB(value)));
            }
            overlay.add(roi);
        }
        made.setOverlay(overlay);
    }

    /** Returns the ID of the image that a result, or its duplicate, was made from; or "". */
    static String sourceOf(ImagePlus imp) {
        String source = imp.getProp(SOURCE);
        return source != null && source.startsWith(THIS_IMAGEJ + " ")
                ? source.substring(THIS_IMAGEJ.length() + 1) : "";
    }

    private static ImagePlus labels(Fields result, ImagePlus imp, IntFunction<Object> planes) {
        ImagePlus made = stacked(result, imp, planes);
        LUT lut = GroupColours.ofLabels();
        made.getProcessor().setColorModel(lut);
        made.getStack().setColorModel(lut);
        made.setDisplayRange(0, 255); // of 16 bits, values above 255 share the last colour
        return made;
    }

    private static ImagePlus probabilities(
            Fields result, ImagePlus imp, IntFunction<Object> planes) {
        ImagePlus made = stacked(result, imp, planes);
        made.setOpenAsHyperStack(true);
        made.setDisplayRange(0, 1);
        return result.wholes("colours").length > 1
                ? ClassComposite.of(made, result.wholes("colours")) : made;
    }

    private static ImagePlus features(Fields result, ImagePlus imp, IntFunction<Object> planes) {
        ImagePlus made = stacked(result, imp, planes);
        int[] shape = result.wholes("shape");
        boolean onePlane = shape[0] == 1 && shape[1] == 1;
        if (onePlane) { // a stack with one slice per feature
            made.setDimensions(1, shape[2], 1);
            made.getCalibration().pixelDepth = 1;
        }
        made.setOpenAsHyperStack(!onePlane);
        made.resetDisplayRange();
        return made;
    }

    /** A copy of the image with the labels over it, as images, which never are labels. */
    private static ImagePlus overlay(Fields result, ImagePlus imp, IntFunction<Object> planes) {
        ImagePlus made = ImageCopy.of(imp, result.text("title"));
        setInfo(made, result);
        int[] colours = packedColours();
        int[] shape = result.wholes("shape");
        int slices = imp.getNSlices();
        int[] listed = result.has("planes") ? result.wholes("planes") : null;
        int count = listed == null ? shape[0] * shape[1] : listed.length;
        Overlay overlay = new Overlay();
        for (int i = 0; i < count; i++) {
            int plane = listed == null ? i : listed[i];
            ColorProcessor picture =
                    new ColorProcessor(shape[4], shape[3], coloured(planes.apply(i), colours));
            ImageRoi roi = new ImageRoi(0, 0, picture);
            roi.setZeroTransparent(true);
            roi.setOpacity(OPACITY);
            roi.setName(String.format("labels-%02d", i + 1));
            if (made.getStackSize() > 1) {
                int t = plane / slices + 1;
                int z = plane % slices + 1;
                if (made.isHyperStack()) {
                    roi.setPosition(0, z, t);
                } else {
                    roi.setPosition(made.getStackIndex(1, z, t));
                }
            }
            overlay.add(roi);
        }
        made.setOverlay(overlay);
        return made;
    }

    private static int[] packedColours() {
        byte[][] parts = GroupColours.channels(GroupColours.lut());
        int[] packed = new int[256];
        for (int i = 1; i < 256; i++) {
            packed[i] = 0xff000000 | (parts[0][i] & 255) << 16 | (parts[1][i] & 255) << 8
                    | parts[2][i] & 255;
        }
        return packed;
    }

    private static int[] coloured(Object labels, int[] colours) {
        if (labels instanceof byte[]) {
            byte[] values = (byte[]) labels;
            int[] found = new int[values.length];
            for (int i = 0; i < values.length; i++) {
                found[i] = colours[values[i] & 255];
            }
            return found;
        }
        short[] values = (short[]) labels;
        int[] found = new int[values.length];
        for (int i = 0; i < values.length; i++) {
            found[i] = colours[Math.min(values[i] & 0xffff, 255)];
        }
        return found;
    }

    private static ImagePlus stacked(Fields result, ImagePlus imp, IntFunction<Object> planes) {
        int[] shape = result.wholes("shape");
        List<String> names = result.texts("names");
        ImageStack stack = new ImageStack(shape[4], shape[3]);
        for (int i = 0; i < shape[0] * shape[1] * shape[2]; i++) {
            // One per channel, or, of labels, one per plane.
            String name = names.isEmpty() ? "" : names.get(i % names.size());
            stack.addSlice(name.isEmpty() ? null : name, planes.apply(i));
        }
        ImagePlus made = new ImagePlus(result.text("title"), stack);
        made.setDimensions(shape[2], shape[1], shape[0]);
        String label = stack.getSliceLabel(1);
        if (stack.getSize() == 1 && label != null) {
            made.setProperty("Label", label);
        }
        made.setOpenAsHyperStack(shape[0] > 1);
        PixelSizes.of(imp).apply(made);
        setInfo(made, result);
        return made;
    }

    private static void setInfo(ImagePlus imp, Fields result) {
        StringBuilder info = new StringBuilder();
        for (Object pair : result.list("info")) {
            List<?> item = (List<?>) pair;
            info.append(item.get(0)).append(": ").append(item.get(1)).append('\n');
        }
        if (info.length() > 0) {
            imp.setProperty("Info", info.toString());
        }
    }
}
