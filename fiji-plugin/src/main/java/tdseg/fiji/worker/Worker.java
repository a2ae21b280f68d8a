package tdseg.fiji.worker;

import ij.IJ;
import java.io.File;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apposed.appose.Appose;
import org.apposed.appose.Environment;
import org.apposed.appose.Service;
import org.apposed.appose.TaskEvent;
import tdseg.fiji.UserError;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.Words;

/**
 * The Python process that does the work: one for this Fiji, started at the first command, ended
 * with Fiji. When it dies, the next command starts another, which loads the last classifier again.
 */
public final class Worker {
    private static final String SESSION = UUID.randomUUID().toString();
    private static final int PATIENCE = 100;
    private static Worker running;
    private static boolean hadOne;

    private final Service service;

    private Worker(Service service) {
        this.service = service;
    }

    /**
     * Returns the worker, started if none runs.
     *
     * @throws UserError if it cannot be started, or is of another version than this plugin.
     */
    public static synchronized Worker get() {
        if (running == null || !running.service.isAlive()) {
            running = null;
            running = start(PythonChoice.find());
            hadOne = true;
        }
        return running;
    }

    /** Ends the worker, if one runs. */
    public static synchronized void end() {
        if (running != null) {
            running.service.close();
            running = null;
        }
    }

    private static Worker start(File python) {
        Worker worker;
        try {
            Environment environment = Appose.custom()
                    .binPaths(python.getParent())
                    .env("PYTHONHOME", "") // of another Python
                    .build();
            Service service = environment.service(
                    Collections.singletonList(python.getName()),
                    "-P", "-X", "utf8", "-m", "tdseg.worker");
            worker = new Worker(service.syntax("python").start());
        } catch (IOException error) {
            throw cannotStart(python, error.getMessage());
        }
        // The worker ends with its standard input, so also when Fiji is killed.
        Runtime.getRuntime().addShutdownHook(new Thread(worker.service::close));
        worker.shakeHands(python);
        return worker;
    }

    private void shakeHands(File python) {
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("version", CommandTable.get().version);
        inputs.put("session", SESSION);
        inputs.put("restore", hadOne);
        Fields answer;
        try {
            answer = call("hello", inputs);
        } catch (WorkerFailure error) {
            service.close();
            throw cannotStart(python, error.reason);
        }
        if (answer.has("restored")) {
            IJ.log(answer.text("restored"));
        }
        if (answer.has("problem")) {
            service.close();
            throw new UserError(answer.text("problem"));
        }
    }

    private static UserError cannotStart(File python, String reason) {
        String text = reason == null ? "" : reason;
        if (text.contains("No module named 'tdseg") || text.contains("name 'tdseg'")) {
            return new UserError("The Python at " + python + " has no tdseg that serves Fiji; run '"
                    + python + " -m pip install --upgrade tdseg' in a terminal.");
        }
        if (text.contains("No module named 'appose")) {
            return new UserError("The Python at " + python + " lacks the package appose; run '"
                    + python + " -m pip install appose' in a terminal.");
        }
        String[] lines = text.trim().split("\n");
        return new UserError("The Python at " + python + " could not be started ("
                + Words.start(Words.oneLine(lines[lines.length - 1]), 200)
                + "); run 'tdseg install-fiji' again, from a Python that works.");
    }

    /**
     * Calls a function of {@code tdseg.worker} and waits for its answer.
     *
     * @throws WorkerFailure if the worker fails or dies.
     * @throws UserError if the answer is a sentence for the user.
     */
    public Fields call(String function, Map<String, Object> inputs) {
        Service.Task task = task(function, inputs, null);
        synchronized (task) {
            while (!task.status.isFinished()) {
                try {
                    task.wait(PATIENCE);
                } catch (InterruptedException error) {
                    Thread.currentThread().interrupt();
                    throw new WorkerFailure("interrupted", false);
                }
                if (!task.status.isFinished() && !service.isAlive()) {
                    throw died();
                }
            }
        }
        return outcome(task);
    }

    /** Starts a function of {@code tdseg.worker}; the listener hears on a thread of its own. */
    Service.Task task(String function, Map<String, Object> inputs, Consumer<TaskEvent> listener) {
        try {
            String script = "import tdseg.worker\ntdseg.worker." + function + "(task, "
                    + arguments(inputs) + ")";
            Service.Task task = service.task(script, inputs);
            if (listener != null) {
                task.listen(listener);
            }
            return task.start();
        } catch (IOException error) {
            throw new WorkerFailure(error.getMessage(), !isAlive());
        }
    }

    /** Inputs reach a script as names; they are given on by the same names. */
    private static String arguments(Map<String, Object> inputs) {
        return inputs.keySet().stream().map(name -> name + "=" + name)
                .collect(Collectors.joining(", "));
    }

    boolean isAlive() {
        return service.isAlive();
    }

    /** Returns what a task that has ended answered. */
    static Fields outcome(Service.Task task) {
        Fields answer = new Fields(task.outputs);
        switch (task.status) {
            case COMPLETE:
                if (answer.has("error")) {
                    throw new UserError(answer.text("error"));
                }
                return answer;
            case CRASHED:
                throw new WorkerFailure(task.error, true);
            default:
                throw new WorkerFailure(task.error == null ? "no reason given" : task.error, false);
        }
    }

    WorkerFailure died() {
        List<String> lines = service.errorLines();
        return new WorkerFailure(lines.isEmpty() ? "" : lines.get(lines.size() - 1), true);
    }
}
