package tdseg.fiji;

import ij.ImagePlus;
import java.util.List;
import tdseg.fiji.images.GroupNames;
import tdseg.fiji.images.OverlayEdits;
import tdseg.fiji.images.Tables;
import tdseg.fiji.service.Answer;
import tdseg.fiji.service.Service;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Fields;
import tdseg.fiji.worker.Progress;
import tdseg.fiji.worker.WorkerFailure;

/** A command with given options on a given image: done in Python, then shown. */
public final class CommandWork {
    private final Command command;
    private final String options;
    private final ImagePlus active;
    private final Progress progress;
    private Answer answer;

    /**
     * Prepares the work.
     *
     * @param options as in a macro; null for none.
     * @param active the image that it works on, or null.
     */
    public CommandWork(Command command, String options, ImagePlus active, Progress progress) {
        this.command = command;
        this.options = options;
        this.active = active;
        this.progress = progress;
    }

    /**
     * Does the work and waits for its end; never call it on the event thread.
     *
     * @return the reply.
     * @throws UserError with a sentence, also when it was cancelled.
     * @throws WorkerFailure if the worker fails or dies.
     */
    public Fields run() {
        answer = Service.get().run(command, options, active, progress);
        return answer.reply();
    }

    /** Returns the macro line that repeats the command. */
    public String line() {
        return answer.line();
    }

    /** Shows what was found: new images, tables, labels in the overlay, names of groups. */
    public void show() {
        showWithoutImages();
        answer.reply().objects("tables").forEach(Tables::show);
        images().forEach(ImagePlus::show);
    }

    /** Shows the labels in the overlay and the names of groups alone. */
    public void showWithoutImages() {
        Fields reply = answer.reply();
        if (reply.has("group_names")) {
            GroupNames.set(reply.map("group_names"));
        }
        if (reply.flag("extensions")) {
            Extensions.register();
        }
        reply.objects("edits").forEach(edit -> OverlayEdits.apply(edit, active));
    }

    /** Returns the images that were made, not yet shown. */
    public List<ImagePlus> images() {
        return answer.images();
    }
}
