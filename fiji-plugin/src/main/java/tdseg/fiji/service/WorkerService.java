package tdseg.fiji.service;

import ij.IJ;
import ij.ImagePlus;
import java.awt.GraphicsEnvironment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.images.GroupNames;
import tdseg.fiji.images.ImageFacts;
import tdseg.fiji.images.Results;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Fields;
import tdseg.fiji.worker.CommandRun;
import tdseg.fiji.worker.Progress;
import tdseg.fiji.worker.Questions;
import tdseg.fiji.worker.ResultPlanes;
import tdseg.fiji.worker.Worker;
import tdseg.fiji.worker.WorkerFailure;

/** The Python beside this ImageJ, in a process of its own. */
final class WorkerService implements Service {
    @Override
    public Answer run(Command command, String options, ImagePlus active, Progress progress) {
        Questions questions = new Questions(active);
        Map<String, Object> request = request(command, options, active, questions);
        Worker worker = Worker.get();
        CommandRun run = new CommandRun(worker, questions, progress);
        try {
            return answer(worker, questions, run.run(request));
        } catch (WorkerFailure error) {
            if (!error.died || run.hasBegun()) {
                throw error;
            }
            // It had died before, which only showed now.
            worker = Worker.get();
            run = new CommandRun(worker, questions, progress);
            return answer(worker, questions, run.run(request));
        }
    }

    private static Map<String, Object> request(
            Command command, String options, ImagePlus active, Questions questions) {
        Map<String, Object> request = new HashMap<>();
        request.put("command", command.name);
        request.put("options", options);
        request.put("active", active == null ? null : ImageFacts.brief(active));
        List<Object> images = new ArrayList<>();
        questions.images().values().forEach(imp -> images.add(ImageFacts.brief(imp)));
        request.put("images", images);
        request.put("group_names", GroupNames.all());
        request.put("has_manager", !GraphicsEnvironment.isHeadless());
        request.put("versions", versions());
        return request;
    }

    private static Map<String, Object> versions() {
        Map<String, Object> versions = new LinkedHashMap<>();
        versions.put("Java", System.getProperty("java.version") + " ("
                + System.getProperty("java.vendor") + ")");
        versions.put("ImageJ", IJ.getVersion() + ", "
                + (GraphicsEnvironment.isHeadless() ? "without windows" : "with windows"));
        versions.put("memory of ImageJ", IJ.maxMemory() / (1 << 20) + " MiB");
        versions.put("plugin", CommandTable.get().version);
        return versions;
    }

    private static Answer answer(Worker worker, Questions questions, Fields answer) {
        return new Answer(answer) {
            @Override
            public List<ImagePlus> images() {
                List<ImagePlus> made = new ArrayList<>();
                for (Fields image : reply().objects("images")) {
                    ImagePlus source = questions.images().get(image.text("source"));
                    try (ResultPlanes planes = new ResultPlanes(worker, image)) {
                        made.add(Results.of(image, source, planes::plane));
                    }
                }
                return made;
            }
        };
    }
}
