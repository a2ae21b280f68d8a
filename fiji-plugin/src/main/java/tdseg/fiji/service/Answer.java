package tdseg.fiji.service;

import ij.ImagePlus;
import java.util.List;
import tdseg.fiji.table.Fields;

/** What a command gave. */
public abstract class Answer {
    private final Fields answer;

    Answer(Fields answer) {
        this.answer = answer;
    }

    /** Returns the reply, as docs/worker-protocol.md describes it. */
    public final Fields reply() {
        return answer.object("reply");
    }

    /** Returns the macro line that repeats the command. */
    public final String line() {
        return answer.text("line");
    }

    /** Returns the images that were made, not yet shown. */
    public abstract List<ImagePlus> images();
}
