package tdseg.fiji.worker;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apposed.appose.Service;
import org.apposed.appose.TaskEvent;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Fields;

/**
 * One command in the worker: tells how far it is, answers what the worker asks, and cancels, all on
 * the thread that called, as ImageJ's own commands do.
 */
public final class CommandRun {
    /** What a user reads who cancelled. */
    public static final String CANCELLED = "Cancelled; nothing was changed or written.";

    private static final int POLL = 50;
    private static final long PATIENCE = 600; // milliseconds for a command that was cancelled

    private final Worker worker;
    private final Questions questions;
    private final Progress progress;
    private final BlockingQueue<TaskEvent> events = new LinkedBlockingQueue<>();
    private boolean heard;

    /** To be run in a worker that asks these images. */
    public CommandRun(Worker worker, Questions questions, Progress progress) {
        this.worker = worker;
        this.questions = questions;
        this.progress = progress;
    }

    /**
     * Runs a request and waits for its end.
     *
     * @return the answer, with a reply.
     * @throws UserError with a sentence, also when the user cancelled.
     * @throws WorkerFailure if the worker fails or dies.
     */
    public Fields run(Map<String, Object> request) {
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("request", request);
        Service.Task task = worker.task("run", inputs, events::add);
        long cancelled = 0;
        while (true) {
            TaskEvent event = next();
            if (event == null && !worker.isAlive() && events.isEmpty()) {
                throw worker.died();
            }
            if (cancelled == 0 && progress.isStopped()) {
                cancelled = System.nanoTime();
                task.cancel();
            }
            if (cancelled != 0 && System.nanoTime() - cancelled > PATIENCE * 1_000_000L) {
                // It may load a network, or be in the middle of a pass: it ends after that, and
                // what comes next waits for it there, not the user here.
                throw new UserError(CANCELLED);
            }
            if (event == null) {
                continue;
            }
            heard |= event.responseType != Service.ResponseType.CRASH;
            if (event.responseType.isTerminal()) {
                return ended(task);
            }
            hear(event);
        }
    }

    /** Whether the worker has begun with the request: if not, another may do it. */
    public boolean hasBegun() {
        return heard;
    }

    private TaskEvent next() {
        try {
            return events.poll(POLL, TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new UserError("Interrupted; nothing was changed or written.");
        }
    }

    private static Fields ended(Service.Task task) {
        if (task.status == Service.TaskStatus.CANCELED) {
            throw new UserError(CANCELLED);
        }
        Fields answer = Worker.outcome(task);
        if (answer.flag("cancelled")) {
            throw new UserError(answer.has("message") ? answer.text("message")
                    : CANCELLED);
        }
        return answer;
    }

    private void hear(TaskEvent event) {
        Fields info = new Fields(event.info);
        if (info.has("ask")) { // of one that was cancelled too: the worker drops the answer
            answer(info);
        }
        if (info.has("log")) {
            progress.note(info.text("log"));
        }
        progress.step(event.maximum > 0 ? (double) event.current / event.maximum : -1,
                event.message == null ? "" : event.message);
    }

    private void answer(Fields asked) {
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("ask", asked.get("ask"));
        inputs.put("answer", null);
        inputs.put("error", null);
        try {
            inputs.put("answer", questions.answer(asked));
        } catch (UserError error) {
            inputs.put("error", error.getMessage());
        } catch (OutOfMemoryError error) {
            inputs.put("error", "ImageJ ran out of memory while it handed over an image; give it "
                    + "more under Edit > Options > Memory & Threads...");
        } catch (RuntimeException error) {
            error.printStackTrace();
            inputs.put("error", "ImageJ could not hand over '" + asked.text("what") + "' ("
                    + error + "); please report it with the details printed on the console.");
        }
        worker.call("answer", inputs);
    }
}
