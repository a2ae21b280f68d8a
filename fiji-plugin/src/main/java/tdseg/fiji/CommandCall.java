package tdseg.fiji;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.dialogs.Ask;
import tdseg.fiji.dialogs.SetupDialog;
import tdseg.fiji.images.GroupNames;
import tdseg.fiji.images.ImageFacts;
import tdseg.fiji.images.OverlayEdits;
import tdseg.fiji.images.Results;
import tdseg.fiji.images.Tables;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.OptionParser;
import tdseg.fiji.worker.CommandRun;
import tdseg.fiji.worker.PluginLoader;
import tdseg.fiji.worker.PythonChoice;
import tdseg.fiji.worker.Questions;
import tdseg.fiji.worker.ResultPlanes;
import tdseg.fiji.worker.Worker;
import tdseg.fiji.worker.WorkerFailure;

/** One call of a command: options, the work in Python, what is shown, the recorded line. */
final class CommandCall {
    private final Command command;
    private Worker worker;

    CommandCall(Command command) {
        this.command = command;
    }

    /**
     * Runs the command.
     *
     * @return false if the user cancelled its dialog.
     */
    boolean run() {
        ImagePlus active = WindowManager.getCurrentImage();
        String options = Macro.getOptions();
        if (MacroThread.isFromMenu()) {
            if (!PythonChoice.isSetUp() && !SetupDialog.ask()) {
                return false;
            }
            String[] asked = new String[1];
            // Else the chosen path would stand in the Recorder twice.
            Recording.suspended(() -> asked[0] = Ask.options(command.name));
            if (asked[0] == null) {
                return false;
            }
            options = asked[0];
        }
        OptionParser.parse(options, command);
        if (command.needsImage && active == null) {
            throw new UserError(command.name + " works on the active image; open an image first.");
        }
        try (PluginLoader loader = new PluginLoader()) {
            call(options, active);
        }
        return true;
    }

    private void call(String options, ImagePlus active) {
        Questions questions = new Questions(active);
        Fields reply = reply(request(options, active, questions), questions);
        Recording.suspended(() -> show(reply, active, questions));
        IJ.showProgress(1.0);
        IJ.showStatus("");
        Recording.line(command.name, reply.list("values"));
    }

    private Fields reply(Map<String, Object> request, Questions questions) {
        worker = Worker.get();
        CommandRun run = new CommandRun(worker, questions);
        try {
            return run.run(request).object("reply");
        } catch (WorkerFailure error) {
            if (!error.died || run.hasBegun()) {
                throw error;
            }
            // It had died before, which only showed now.
            worker = Worker.get();
            return new CommandRun(worker, questions).run(request).object("reply");
        }
    }

    private Map<String, Object> request(String options, ImagePlus active, Questions questions) {
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

    private void show(Fields reply, ImagePlus active, Questions questions) {
        if (reply.has("group_names")) {
            GroupNames.set(reply.map("group_names"));
        }
        if (reply.flag("extensions")) {
            Extensions.register();
        }
        reply.objects("edits").forEach(edit -> OverlayEdits.apply(edit, active));
        reply.objects("tables").forEach(Tables::show);
        for (Fields image : reply.objects("images")) {
            ImagePlus source = questions.images().get(image.text("source"));
            try (ResultPlanes planes = new ResultPlanes(worker, image)) {
                Results.of(image, source, planes::plane).show();
            }
        }
    }
}
