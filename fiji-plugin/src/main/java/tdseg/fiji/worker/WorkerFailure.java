package tdseg.fiji.worker;

/** The worker died, or failed in a way that is no sentence for the user. */
public final class WorkerFailure extends RuntimeException {
    /** What is known: a Python traceback, or what was printed last. */
    public final String reason;

    /** Whether the process is gone. */
    public final boolean died;

    WorkerFailure(String reason, boolean died) {
        super(reason);
        this.reason = reason == null ? "" : reason;
        this.died = died;
    }
}
