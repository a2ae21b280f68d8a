package tdseg.fiji.service;

import ij.ImagePlus;
import tdseg.fiji.table.Command;
import tdseg.fiji.worker.Progress;

/** Who does the commands: the Python in this ImageJ's own process, or else one beside it. */
public interface Service {
    /** Returns the one that serves now. */
    static Service get() {
        return InProcess.isThere() ? new InProcess() : new WorkerService();
    }

    /**
     * Does a command and waits for its end; never call it on the event thread.
     *
     * @param options as in a macro; null for none.
     * @param active the image that it works on, or null.
     * @throws tdseg.fiji.UserError with a sentence, also when it was cancelled.
     * @throws tdseg.fiji.worker.WorkerFailure if the worker fails or dies.
     */
    Answer run(Command command, String options, ImagePlus active, Progress progress);
}
