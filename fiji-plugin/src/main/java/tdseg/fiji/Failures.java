package tdseg.fiji;

import ij.IJ;
import tdseg.fiji.table.Words;
import tdseg.fiji.worker.WorkerFailure;

/** What the user is told when a command fails: one sentence, with the remedy. */
public final class Failures {
    private Failures() {}

    /** Returns the sentence for an error; the trace of one that should not be goes to the console. */
    public static String sentence(String command, Throwable error) {
        if (error instanceof UserError) {
            return error.getMessage();
        }
        if (error instanceof WorkerFailure && ((WorkerFailure) error).died) {
            return "Python ended unexpectedly during " + command + "; images and labels are as they "
                    + "were. The next command starts it again, with the last classifier."
                    + lastWords(((WorkerFailure) error).reason);
        }
        if (error instanceof LinkageError) {
            return missing((LinkageError) error);
        }
        return unexpected(command, error);
    }

    private static String unexpected(String what, Throwable error) {
        error.printStackTrace();
        String reason = error.getClass().getSimpleName() + ": " + error.getMessage();
        return what + " failed unexpectedly (" + Words.start(Words.oneLine(reason), 200)
                + "); please report it with the details printed on the console.";
    }

    private static String lastWords(String reason) {
        String[] lines = reason.trim().split("\n");
        String last = Words.start(Words.oneLine(lines[lines.length - 1]), 200);
        return last.isEmpty() || last.equals("<none>") ? "" : " Its last words: " + last;
    }

    private static String missing(LinkageError error) {
        String name = String.valueOf(error.getMessage());
        if (name.contains("apposed") || name.contains("groovy") || name.contains("jna")) {
            return "The jars that Trainable Deep Segmentation needs are not in this Fiji (" + name
                    + "); run 'tdseg install-fiji' again.";
        }
        return "This ImageJ (" + IJ.getVersion() + ") is too old for Trainable Deep Segmentation ("
                + name + "); update Fiji.";
    }
}
