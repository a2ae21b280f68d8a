package tdseg.fiji.images;

import ij.CompositeImage;
import ij.ImagePlus;
import ij.ImageStack;
import ij.measure.Calibration;
import ij.process.ImageProcessor;
import ij.process.LUT;

/** A copy of a whole image with all that is shown with it, but without overlay and selection. */
final class ImageCopy {
    private ImageCopy() {}

    static ImagePlus of(ImagePlus imp, String title) {
        ImageStack from = imp.getStack();
        int count = imp.getStackSize();
        ImageStack stack = new ImageStack(imp.getWidth(), imp.getHeight());
        for (int i = 1; i <= count; i++) {
            String label = count > 1 ? from.getSliceLabel(i) : null;
            stack.addSlice(label, copy(from.getPixels(i)));
        }
        ImagePlus made = new ImagePlus(title, stack);
        made.setDimensions(imp.getNChannels(), imp.getNSlices(), imp.getNFrames());
        if (imp.isComposite()) {
            CompositeImage composite =
                    new CompositeImage(made, ((CompositeImage) imp).getMode());
            composite.setLuts(copies(imp.getLuts()));
            made = composite;
        } else if (imp.getType() != ImagePlus.COLOR_RGB) {
            colour(made, imp);
        }
        copyProperties(made, imp);
        PixelSizes.of(imp).apply(made);
        Calibration calibration = imp.getCalibration();
        if (calibration.getFunction() != Calibration.NONE) {
            made.getCalibration().setFunction(calibration.getFunction(),
                    calibration.getCoefficients(), calibration.getValueUnit());
        }
        return made;
    }

    private static void copyProperties(ImagePlus made, ImagePlus imp) {
        for (String name : new String[] {"Info", "Label"}) {
            Object value = imp.getProperty(name);
            if (value != null && !(name.equals("Label") && imp.getStackSize() > 1)) {
                made.setProperty(name, value.toString());
            }
        }
        made.setOpenAsHyperStack(imp.getOpenAsHyperStack());
    }

    private static void colour(ImagePlus made, ImagePlus imp) {
        LUT lut = (LUT) imp.getProcessor().getLut().clone();
        ImageProcessor processor = made.getProcessor();
        processor.setColorModel(lut);
        made.getStack().setColorModel(lut);
        if (imp.getType() == ImagePlus.COLOR_256) {
            made.setTypeToColor256();
        }
        made.setDisplayRange(imp.getDisplayRangeMin(), imp.getDisplayRangeMax());
    }

    private static LUT[] copies(LUT[] luts) {
        LUT[] found = new LUT[luts.length];
        for (int i = 0; i < luts.length; i++) {
            found[i] = (LUT) luts[i].clone();
        }
        return found;
    }

    private static Object copy(Object pixels) {
        if (pixels instanceof byte[]) {
            return ((byte[]) pixels).clone();
        }
        if (pixels instanceof short[]) {
            return ((short[]) pixels).clone();
        }
        if (pixels instanceof float[]) {
            return ((float[]) pixels).clone();
        }
        return ((int[]) pixels).clone();
    }
}
