package tdseg.fiji.images;

import ij.IJ;
import ij.gui.Roi;
import ij.plugin.LutLoader;
import ij.process.LUT;
import java.lang.reflect.Field;
import tdseg.fiji.UserError;
import tdseg.fiji.table.CommandTable;

/** The colours of ROI groups, which are the colours of label values too. */
public final class GroupColours {
    private GroupColours() {}

    /**
     * Returns the LUT that ImageJ colours ROI groups with, and sees that there is one.
     *
     * <p>ImageJ reads it from {@code luts/Glasbey.lut}. The ImageJ of Maven has none, and says so
     * at every group that is set; it then gets ours.
     */
    public static LUT lut() {
        try {
            Field field = Roi.class.getDeclaredField("glasbeyLut");
            field.setAccessible(true);
            LUT lut = (LUT) field.get(null);
            if (lut == null) {
                lut = installed();
                field.set(null, lut);
            }
            return lut;
        } catch (ReflectiveOperationException error) {
            return installed(); // another ImageJ may keep it elsewhere
        }
    }

    /**
     * Chooses the colours of ROI groups in this ImageJ, and so of label values.
     *
     * @param apart those that colour-blind users can tell apart; else ImageJ's own.
     */
    public static void choose(boolean apart) {
        try {
            Field field = Roi.class.getDeclaredField("glasbeyLut");
            field.setAccessible(true);
            field.set(null, apart ? of(CommandTable.get().coloursApart) : installed());
        } catch (ReflectiveOperationException error) {
            throw new UserError("This ImageJ (" + IJ.getVersion() + ") keeps the colours of ROI "
                    + "groups elsewhere; they stay as they are.");
        }
    }

    private static LUT installed() {
        String folder = IJ.getDirectory("luts");
        for (String name : new String[] {"Glasbey.lut", "glasbey.lut"}) {
            LUT found = LutLoader.openLut("noerror:" + (folder == null ? "" : folder) + name);
            if (found != null) {
                return found;
            }
        }
        return ours();
    }

    private static LUT ours() {
        return of(CommandTable.get().colours);
    }

    private static LUT of(byte[] table) {
        byte[][] parts = new byte[3][256];
        for (int i = 0; i < table.length; i++) {
            parts[i % 3][i / 3] = table[i];
        }
        return made(parts);
    }

    /** Returns the colours of label values: those of the groups, and black for unlabelled. */
    public static LUT ofLabels() {
        byte[][] parts = channels(lut());
        for (byte[] part : parts) {
            part[0] = 0;
        }
        return made(parts);
    }

    private static LUT made(byte[][] parts) {
        LUT lut = new LUT(8, 256, parts[0], parts[1], parts[2]);
        lut.min = 0;
        lut.max = 255;
        return lut;
    }

    /** Returns red, green and blue of a LUT, 256 values each. */
    static byte[][] channels(LUT lut) {
        byte[][] parts = new byte[3][256]; // a LUT may have fewer colours
        lut.getReds(parts[0]);
        lut.getGreens(parts[1]);
        lut.getBlues(parts[2]);
        return parts;
    }
}
