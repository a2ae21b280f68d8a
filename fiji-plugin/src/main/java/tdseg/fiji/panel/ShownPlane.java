package tdseg.fiji.panel;

import ij.ImageListener;
import ij.ImagePlus;
import ij.ImageStack;
import ij.process.ImageProcessor;
import java.util.Map;
import java.util.WeakHashMap;

/** Tells planes apart: another slice, shape, type, or other pixels have another text. */
final class ShownPlane {
    private static final int MOST = 4_000_000;

    /** A number for the pixels of the plane; null where they may have changed. */
    private static final Map<ImagePlus, Integer> PIXELS = new WeakHashMap<>();

    static {
        ImagePlus.addImageListener(new ImageListener() {
            @Override
            public void imageOpened(ImagePlus imp) { }

            @Override
            public void imageClosed(ImagePlus imp) { }

            @Override
            public void imageUpdated(ImagePlus imp) { // from any thread
                synchronized (PIXELS) {
                    PIXELS.remove(imp);
                }
            }
        });
    }

    private ShownPlane() {}

    /** Describes what an image shows now. */
    static String describe(ImagePlus imp) {
        return imp.getID() + " " + imp.getZ() + " " + imp.getT() + " " + imp.getWidth() + "x"
                + imp.getHeight() + "x" + imp.getStackSize() + " " + imp.getType() + " "
                + pixels(imp);
    }

    private static int pixels(ImagePlus imp) {
        synchronized (PIXELS) {
            return PIXELS.computeIfAbsent(imp, ShownPlane::hash);
        }
    }

    /** Of all channels; a virtual stack's pixels are in its file. */
    private static int hash(ImagePlus imp) {
        ImageStack stack = imp.getStack();
        if (stack.isVirtual() || stack.getSize() == 0) {
            return 0;
        }
        int found = 1;
        for (int c = 1; c <= imp.getNChannels(); c++) {
            int index = imp.getStackIndex(c, imp.getZ(), imp.getT());
            found = 31 * found + hash(stack.getProcessor(index));
        }
        return found;
    }

    /** Of at most some millions of pixels, spread evenly: the event thread waits for it. */
    private static int hash(ImageProcessor pixels) {
        int count = pixels.getPixelCount();
        int step = 1 + count / MOST;
        int found = 1;
        for (int i = 0; i < count; i += step) {
            found = 31 * found + pixels.get(i); // of 32 bits: their bits
        }
        return found;
    }
}
