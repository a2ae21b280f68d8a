package tdseg.fiji;

import ij.IJ;
import ij.Macro;
import java.awt.GraphicsEnvironment;
import tdseg.fiji.table.Words;

/** Says one sentence and stops the macro. */
final class Messages {
    static final String TITLE = "Trainable Deep Segmentation";
    private static final int WIDTH = 80; // a dialog is as wide as its longest line

    private Messages() {}

    static void stop(String message) {
        IJ.showProgress(1.0);
        IJ.showStatus("");
        String sentence = Words.oneLine(message);
        boolean headless = GraphicsEnvironment.isHeadless();
        IJ.error(TITLE, headless ? sentence : Words.wrapped(sentence, WIDTH));
        Macro.abort();
    }
}
