package tdseg.fiji.service;

import ij.IJ;
import ij.ImagePlus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.stream.Collectors;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.Json;
import tdseg.fiji.worker.CommandRun;
import tdseg.fiji.worker.Progress;

/**
 * The Python in this ImageJ's own process ({@code tdseg/imagej/service.py}).
 *
 * <p>It leaves a function among ImageJ's properties, in types that ImageJ and Java share: this class
 * may be loaded twice, by Python's class path and from the folder of plugins. A call is a map; what
 * comes back is a list, of JSON and the images.
 */
final class InProcess implements Service {
    private static final String PROPERTY = "tdseg.in_process";

    private static final long POLL = 50; // milliseconds
    private static final long PATIENCE = 600;

    static boolean isThere() {
        return IJ.getProperty(PROPERTY) instanceof Function;
    }

    @Override
    public Answer run(Command command, String options, ImagePlus active, Progress progress) {
        Map<String, Object> call = new HashMap<>();
        call.put("version", CommandTable.get().version);
        call.put("command", command.name);
        call.put("options", options);
        call.put("active", active);
        call.put("progress", progress);
        List<?> found = call(call, progress);
        Fields answer = new Fields(Json.read((String) found.get(0)));
        if (answer.has("error")) {
            throw new UserError(answer.text("error"));
        }
        List<ImagePlus> images = found.stream().skip(1).map(each -> (ImagePlus) each)
                .collect(Collectors.toList());
        return new Answer(answer) {
            @Override
            public List<ImagePlus> images() {
                return images;
            }
        };
    }

    /** Waits for Python; but not where it is in a long step of a command that was stopped. */
    @SuppressWarnings("unchecked")
    private static List<?> call(Map<String, Object> call, Progress progress) {
        Function<Object, Object> python = (Function<Object, Object>) IJ.getProperty(PROPERTY);
        FutureTask<List<?>> work = new FutureTask<>(() -> (List<?>) python.apply(call));
        Thread thread = new Thread(work, "TDS command");
        thread.setDaemon(true);
        thread.start();
        try {
            while (true) {
                boolean stopped = progress.isStopped();
                try {
                    return work.get(stopped ? PATIENCE : POLL, TimeUnit.MILLISECONDS);
                } catch (TimeoutException error) {
                    if (stopped) { // what comes next waits for it, in Python
                        throw new UserError(CommandRun.CANCELLED);
                    }
                }
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new UserError("Interrupted; nothing was changed or written.");
        } catch (ExecutionException error) {
            throw new IllegalStateException(error.getCause());
        }
    }
}
