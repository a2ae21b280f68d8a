package tdseg.fiji;

import tdseg.fiji.table.Words;

/** One sentence for the user: what is wrong, and the remedy. */
public class UserError extends RuntimeException {
    public UserError(String sentence) {
        super(Words.printable(sentence));
    }
}
