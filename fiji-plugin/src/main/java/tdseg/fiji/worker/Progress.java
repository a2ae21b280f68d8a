package tdseg.fiji.worker;

/** Hears how far a command is, and may stop it. */
public interface Progress {
    /**
     * Hears of a step.
     *
     * @param fraction 0 to 1, or below 0 where it is not known.
     * @param message a few words, or empty.
     */
    void step(double fraction, String message);

    /** Hears a line for the Log. */
    void note(String line);

    /** Whether the user wants the command to end now. */
    boolean isStopped();
}
