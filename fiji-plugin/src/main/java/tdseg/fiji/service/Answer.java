package tdseg.fiji.service;

import ij.ImagePlus;
import java.util.List;
import tdseg.fiji.table.Fields;

/** What a command gave. */
public interface Answer {
    /** Returns the reply, as docs/worker-protocol.md describes it. */
    Fields reply();

    /** Returns the macro line that repeats the command. */
    String line();

    /** Returns the images that were made, not yet shown. */
    List<ImagePlus> images();
}
