package tdseg.fiji.panel;

import java.awt.EventQueue;
import java.util.ArrayDeque;
import java.util.Deque;
import tdseg.fiji.CommandWork;
import tdseg.fiji.Failures;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.OptionParser;
import tdseg.fiji.worker.PluginLoader;

/** What the panel asks of Python, one after the other in a thread of its own. */
final class PanelWork {
    /** Hears of the work, in the event thread. */
    interface Listener {
        /** A job has begun, is so far, or (null) none is left. */
        void working(Job job, double fraction, String message);

        /** Python has something to tell about a job. */
        void noted(Job job, String line);

        /** A job failed or was stopped. */
        void failed(Job job, String sentence);

        /** A job was done, and its ending too. */
        void ended(Job job);
    }

    private final Listener listener;
    private final Deque<Job> waiting = new ArrayDeque<>();
    private Job current;
    private boolean closed;

    PanelWork(Listener listener) {
        this.listener = listener;
        Thread thread = new Thread(this::work, "TDS panel");
        thread.setDaemon(true);
        thread.start();
    }

    /** Puts a job at the end; work in the background that nobody waits for makes room. */
    synchronized void add(Job job) {
        stopBackground();
        waiting.add(job);
        notifyAll();
    }

    /** Ends work in the background, waiting and running. */
    synchronized void stopBackground() {
        waiting.removeIf(job -> job.inBackground);
        if (current != null && current.inBackground) {
            current.stop();
        }
    }

    /**
     * Ends all work.
     *
     * @return the job that runs; it tells when it has ended. Null: none.
     */
    synchronized Job stop() {
        waiting.clear();
        if (current != null) {
            current.stop();
        }
        return current;
    }

    synchronized boolean isIdle() {
        return current == null && waiting.isEmpty();
    }

    /** Ends all work and the thread. */
    synchronized void close() {
        stop();
        closed = true;
        notifyAll();
    }

    void step(Job job, double fraction, String message) {
        EventQueue.invokeLater(() -> listener.working(job, fraction, message));
    }

    void note(Job job, String line) {
        EventQueue.invokeLater(() -> listener.noted(job, line));
    }

    private synchronized Job next() throws InterruptedException {
        current = null;
        if (waiting.isEmpty()) {
            EventQueue.invokeLater(() -> listener.working(null, 0, ""));
        }
        while (waiting.isEmpty() && !closed) {
            wait();
        }
        current = closed ? null : waiting.poll();
        return current;
    }

    private void work() {
        try (PluginLoader loader = new PluginLoader()) {
            for (Job job = next(); job != null; job = next()) {
                step(job, -1, "");
                run(job);
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    private void run(Job job) {
        try {
            Command command = CommandTable.get().command(job.command);
            OptionParser.parse(job.options, command);
            CommandWork work = new CommandWork(command, job.options, job.imp, job);
            Fields reply = work.run();
            job.fetch.accept(work, reply);
            EventQueue.invokeLater(() -> {
                job.ending.accept(work, reply);
                listener.ended(job);
            });
        } catch (RuntimeException | Error error) {
            String sentence = Failures.sentence(job.command, error);
            EventQueue.invokeLater(() -> listener.failed(job, sentence));
        }
    }
}
