package tdseg.fiji.images;

import ij.CompositeImage;
import ij.ImagePlus;
import ij.process.LUT;
import java.awt.Color;

/** Probabilities of all classes at once, each channel in the colour of its class. */
final class ClassComposite {
    private ClassComposite() {}

    static ImagePlus of(ImagePlus probabilities, int[] values) {
        CompositeImage composite = new CompositeImage(probabilities, CompositeImage.COMPOSITE);
        LUT[] luts = new LUT[values.length];
        LUT colours = GroupColours.lut();
        for (int i = 0; i < values.length; i++) {
            luts[i] = LUT.createLutFromColor(new Color(colours.getRGB(Math.min(values[i], 255))));
            luts[i].min = 0;
            luts[i].max = 1;
        }
        composite.setLuts(luts);
        composite.setOpenAsHyperStack(true);
        composite.setProperty("Info", probabilities.getProperty("Info"));
        return composite;
    }
}
