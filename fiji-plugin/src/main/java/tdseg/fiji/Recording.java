package tdseg.fiji;

import ij.plugin.frame.Recorder;
import java.util.List;

/** ImageJ's Recorder: what it prints replays to identical pixels. */
public final class Recording {
    private Recording() {}

    /**
     * Keeps what an action does to windows out of the Recorder: showing a result would record
     * {@code selectImage("...-labels")} before the command itself.
     */
    public static void suspended(Runnable action) {
        if (!Recorder.record) {
            action.run();
            return;
        }
        Recorder.suspendRecording();
        try {
            action.run();
        } finally {
            Recorder.resumeRecording();
        }
    }

    /**
     * Writes the call of a command, as pairs of key and value.
     *
     * <p>ImageJ ignores what comes from macros, so only menu commands appear. It would write
     * a line itself when a menu command returns; by then there is none to write any more.
     */
    static void line(String command, List<?> values) {
        if (!Recorder.record) {
            return;
        }
        Recorder.setCommand(command);
        for (Object pair : values) {
            String name = ((List<?>) pair).get(0).toString();
            String value = ((List<?>) pair).get(1).toString();
            boolean bracketed = value.startsWith("[");
            Recorder.recordOption(
                    name, bracketed ? value.substring(1, value.length() - 1) : value);
        }
        Recorder.saveCommand();
        forget();
    }

    /** Writes a line that is a macro already; it may come from any thread. */
    public static void macroLine(String line) {
        if (Recorder.record && !Recorder.scriptMode()) {
            Recorder.recordString(line + "\n");
        }
    }

    /** Lets ImageJ write no line for the command that runs: it failed, or was cancelled. */
    public static void forget() {
        if (Recorder.record) {
            Recorder.setCommand(null);
        }
    }
}
