package tdseg.fiji.worker;

import ij.ImagePlus;
import ij.ImageStack;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import tdseg.fiji.UserError;

/** Planes of images, to and from shared memory. */
final class SharedPlanes {
    private SharedPlanes() {}

    /**
     * Copies planes of an image into shared memory, as they are.
     *
     * @param array (count, Y, X), or (count, Y, X, 3) of a colour image.
     * @param first number of the first plane, counted in the order T, Z, C.
     */
    static void fill(SharedArray array, ImagePlus imp, int first) {
        ByteBuffer room = array.room();
        for (int i = 0; i < array.shape[0]; i++) {
            room.clear();
            Object pixels = pixels(imp, first + i);
            check(pixels, array, imp);
            put(room, pixels);
            array.write(i, room);
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

    /** The user may crop, scale or convert an image while it is read. */
    private static void check(Object pixels, SharedArray array, ImagePlus imp) {
        boolean isSame = Array.getLength(pixels) == array.shape[1] * array.shape[2]
                && (pixels instanceof int[] == array.shape.length > 3)
                && (pixels instanceof short[] == array.type.equals("uint16"))
                && (pixels instanceof float[] == array.type.equals("float32"));
        if (!isSame) {
            throw changed(imp);
        }
    }

    /** Returns the error for an image that the user made another one while it was read. */
    static UserError changed(ImagePlus imp) {
        return new UserError("Image '" + imp.getTitle() + "' was cropped, scaled, converted or "
                + "given other dimensions since the command began; start the command again.");
    }

    private static void put(ByteBuffer room, Object pixels) {
        if (pixels instanceof byte[]) {
            room.put((byte[]) pixels);
        } else if (pixels instanceof short[]) {
            room.asShortBuffer().put((short[]) pixels);
        } else if (pixels instanceof float[]) {
            room.asFloatBuffer().put((float[]) pixels);
        } else {
            int[] values = (int[]) pixels;
            byte[] colours = new byte[3 * values.length];
            for (int i = 0; i < values.length; i++) {
                colours[3 * i] = (byte) (values[i] >> 16);
                colours[3 * i + 1] = (byte) (values[i] >> 8);
                colours[3 * i + 2] = (byte) values[i];
            }
            room.put(colours);
        }
    }

    /** Copies a plane out of shared memory into an array of pixels. */
    static Object plane(SharedArray array, int index, ByteBuffer room) {
        array.read(index, room);
        int count = array.shape[1] * array.shape[2];
        switch (array.type) {
            case "uint8":
                byte[] bytes = new byte[count];
                room.get(bytes);
                return bytes;
            case "uint16":
                short[] shorts = new short[count];
                room.asShortBuffer().get(shorts);
                return shorts;
            default:
                float[] floats = new float[count];
                room.asFloatBuffer().get(floats);
                return floats;
        }
    }
}
