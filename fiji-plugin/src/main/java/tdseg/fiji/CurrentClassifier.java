package tdseg.fiji;

import ij.IJ;
import java.util.Arrays;
import java.util.List;

/**
 * Tells that a menu or a macro made another classifier the current one: the panel shows what it
 * gives. It is a property of ImageJ, which Python sets too where it does the commands itself.
 */
public final class CurrentClassifier {
    private static final String KEY = "tdseg.classifier";
    private static final List<String> COMMANDS = Arrays.asList("TDS Train...",
            "TDS Train from Folder...", "TDS Load Classifier...", "TDS Segment Without Labels...");

    private CurrentClassifier() {}

    /** Takes note of a command that is done. */
    static void doneBy(String command) {
        if (COMMANDS.contains(command)) {
            IJ.setProperty(KEY, new Object());
        }
    }

    /** Returns an object that is another one after each change; null before the first. */
    public static Object mark() {
        return IJ.getProperty(KEY);
    }
}
