package tdseg.fiji;

/** One sentence for the user: what is wrong, and the remedy. */
public class UserError extends RuntimeException {
    public UserError(String sentence) {
        super(sentence);
    }
}
