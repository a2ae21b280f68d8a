package tdseg.fiji.worker;

import ij.IJ;

/** ImageJ's own bar, and Esc to cancel. */
public final class StatusBar implements Progress {
    private boolean cancelling;

    /** For a command that begins now. */
    public StatusBar() {
        IJ.resetEscape();
    }

    @Override
    public void step(double fraction, String message) {
        if (fraction >= 0) {
            IJ.showProgress(fraction);
        }
        if (!message.isEmpty() && !cancelling) {
            IJ.showStatus("TDS: " + message);
        }
    }

    @Override
    public void note(String line) {
        IJ.log(line);
    }

    @Override
    public boolean isStopped() {
        if (!cancelling && IJ.escapePressed()) {
            cancelling = true;
            IJ.showStatus("TDS: cancelling...");
        }
        return cancelling;
    }
}
