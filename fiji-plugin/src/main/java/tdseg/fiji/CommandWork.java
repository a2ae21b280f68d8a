package tdseg.fiji;

import ij.ImagePlus;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.images.GroupNames;
import tdseg.fiji.images.ImageFacts;
import tdseg.fiji.images.OverlayEdits;
import tdseg.fiji.images.Results;
import tdseg.fiji.images.Tables;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Fields;
import tdseg.fiji.worker.CommandRun;
import tdseg.fiji.worker.Progress;
import tdseg.fiji.worker.Questions;
import tdseg.fiji.worker.ResultPlanes;
import tdseg.fiji.worker.Worker;
import tdseg.fiji.worker.WorkerFailure;

/** A command with given options on a given image: done in Python, then shown. */
public final class CommandWork {
    private final Command command;
    private final String options;
    private final ImagePlus active;
    private final Progress progress;
    private final Questions questions;
    private Worker worker;
    private Fields answer;

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
        questions = new Questions(active);
    }

    /**
     * Does the work and waits for its end; never call it on the event thread.
     *
     * @return the reply.
     * @throws UserError with a sentence, also when it was cancelled.
     * @throws WorkerFailure if the worker fails or dies.
     */
    public Fields run() {
        worker = Worker.get();
        CommandRun run = new CommandRun(worker, questions, progress);
        try {
            answer = run.run(request());
        } catch (WorkerFailure error) {
            if (!error.died || run.hasBegun()) {
                throw error;
            }
            // It had died before, which only showed now.
            worker = Worker.get();
            answer = new CommandRun(worker, questions, progress).run(request());
        }
        return answer.object("reply");
    }

    /** Returns the macro line that repeats the command. */
    public String line() {
        return answer.text("line");
    }

    /** Shows what was found: new images, tables, labels in the overlay, names of groups. */
    public void show() {
        Fields reply = answer.object("reply");
        showWithoutImages();
        reply.objects("tables").forEach(Tables::show);
        images().forEach(ImagePlus::show);
    }

    /** Shows the labels in the overlay and the names of groups alone. */
    public void showWithoutImages() {
        Fields reply = answer.object("reply");
        if (reply.has("group_names")) {
            GroupNames.set(reply.map("group_names"));
        }
        if (reply.flag("extensions")) {
            Extensions.register();
        }
        reply.objects("edits").forEach(edit -> OverlayEdits.apply(edit, active));
    }

    /** Fetches the images that were made, not yet shown. */
    public List<ImagePlus> images() {
        List<ImagePlus> made = new ArrayList<>();
        for (Fields image : answer.object("reply").objects("images")) {
            ImagePlus source = questions.images().get(image.text("source"));
            try (ResultPlanes planes = new ResultPlanes(worker, image)) {
                made.add(Results.of(image, source, planes::plane));
            }
        }
        return made;
    }

    private Map<String, Object> request() {
        Map<String, Object> request = new HashMap<>();
        request.put("command", command.name);
        request.put("options", options);
        request.put("active", active == null ? null : ImageFacts.brief(active));
        List<Object> images = new ArrayList<>();
        questions.images().values().forEach(imp -> images.add(ImageFacts.brief(imp)));
        request.put("images", images);
        request.put("group_names", GroupNames.all());
        request.put("has_manager", !GraphicsEnvironment.isHeadless());
        return request;
    }
}
