package tdseg.fiji;

import ij.IJ;
import ij.ImagePlus;
import ij.gui.Roi;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * Tells the panel what a menu or a macro did that its own commands build upon: another classifier
 * is the current one, classes have other names. It goes by properties of ImageJ, which Python uses
 * too where it does the commands itself.
 */
public final class CurrentClassifier {
    private static final String KEY = "tdseg.classifier";
    private static final String LISTENER = "tdseg.panel";
    private static final String SET_CLASSES = "TDS Set Classes...";
    private static final List<String> COMMANDS = Arrays.asList("TDS Train...",
            "TDS Train from Folder...", "TDS Load Classifier...", "TDS Segment Without Labels...");

    private CurrentClassifier() {}

    /**
     * Takes note of a command that is done.
     *
     * @param line the macro line that repeats it.
     * @param active the image that it worked on, or null.
     * @param overlay what that had in its overlay when the command began.
     */
    @SuppressWarnings("unchecked")
    static void doneBy(String command, String line, ImagePlus active, Roi[] overlay) {
        boolean isNew = COMMANDS.contains(command);
        if (isNew) {
            IJ.setProperty(KEY, new Object());
        }
        Object listener = IJ.getProperty(LISTENER);
        if (listener instanceof Consumer && (isNew || command.equals(SET_CLASSES))) {
            ((Consumer<List<?>>) listener).accept(Arrays.asList(line, active, overlay));
        }
    }

    /**
     * Sets who hears of such commands, on their threads: a list of the macro line, the image that
     * was active (or null) and the ROIs that its overlay had; null: nobody.
     */
    public static void setListener(Consumer<List<?>> listener) {
        IJ.setProperty(LISTENER, listener);
    }

    /** Returns an object that is another one after each change; null before the first. */
    public static Object mark() {
        return IJ.getProperty(KEY);
    }
}
