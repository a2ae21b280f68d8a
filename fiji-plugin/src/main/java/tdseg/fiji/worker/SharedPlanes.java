package tdseg.fiji.worker;

import ij.ImagePlus;
import ij.ImageStack;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apposed.appose.NDArray;
import tdseg.fiji.UserError;

/** Planes of images in shared memory; the worker makes and unlinks it, see its protocol. */
final class SharedPlanes {
    private SharedPlanes() {}

    /**
     * Copies planes of an image into shared memory, as they are.
     *
     * @param array (count, Y, X), or (count, Y, X, 3) of a colour image.
     * @param first number of the first plane, counted in the order T, Z, C.
     */
    static void fill(NDArray array, ImagePlus imp, int first) {
        int count = array.shape().toIntArray(NDArray.Shape.Order.C_ORDER)[0];
        ByteBuffer all = array.buffer().order(ByteOrder.nativeOrder());
        for (int i = 0; i < count; i++) {
            put(all, pixels(imp, first + i));
        }
    }

    private static Object pixels(ImagePlus imp, int plane) {
        ImageStack stack = imp.getStack();
        int channels = imp.getNChannels();
        int slices = imp.getNSlices();
        int c = plane % channels;
        int z = plane / channels % slices;
        int t = plane / channels / slices;
        Object pixels = stack.getPixels(imp.getStackIndex(c + 1, z + 1, t + 1));
        if (pixels == null) {
            throw new UserError("Image '" + imp.getTitle() + "' was closed; open it again.");
        }
        return pixels;
    }

    private static void put(ByteBuffer all, Object pixels) {
        if (pixels instanceof byte[]) {
            all.put((byte[]) pixels);
        } else if (pixels instanceof short[]) {
            short[] values = (short[]) pixels;
            all.asShortBuffer().put(values);
            all.position(all.position() + 2 * values.length);
        } else if (pixels instanceof float[]) {
            float[] values = (float[]) pixels;
            all.asFloatBuffer().put(values);
            all.position(all.position() + 4 * values.length);
        } else {
            int[] values = (int[]) pixels;
            byte[] colours = new byte[3 * values.length];
            for (int i = 0; i < values.length; i++) {
                colours[3 * i] = (byte) (values[i] >> 16);
                colours[3 * i + 1] = (byte) (values[i] >> 8);
                colours[3 * i + 2] = (byte) values[i];
            }
            all.put(colours);
        }
    }

    /** Copies one plane out of an array (count, Y, X). */
    static Object plane(NDArray array, int index) {
        int[] shape = array.shape().toIntArray(NDArray.Shape.Order.C_ORDER);
        int count = shape[1] * shape[2];
        ByteBuffer all = array.buffer().order(ByteOrder.nativeOrder());
        all.position(index * count * array.dType().bytesPerElement());
        ByteBuffer plane = all.slice().order(ByteOrder.nativeOrder());
        switch (array.dType()) {
            case UINT8:
                byte[] bytes = new byte[count];
                plane.get(bytes);
                return bytes;
            case UINT16:
                short[] shorts = new short[count];
                plane.asShortBuffer().get(shorts);
                return shorts;
            default:
                float[] floats = new float[count];
                plane.asFloatBuffer().get(floats);
                return floats;
        }
    }
}
