package tdseg.fiji.panel;

import ij.ImagePlus;
import java.util.function.BiConsumer;
import tdseg.fiji.CommandWork;
import tdseg.fiji.table.Fields;
import tdseg.fiji.worker.Progress;

/** One command that the panel gives to Python, and what is done with its reply. */
final class Job implements Progress {
    /** What happens with a reply. */
    interface Ending extends BiConsumer<CommandWork, Fields> {}

    final String command;
    final String options;
    final ImagePlus imp;

    /** Whether newer work may end it: Live and the overlay, which nobody waits for. */
    final boolean inBackground;

    /** Describes what it was given for, so that what failed is not tried again; "": nothing. */
    String purpose = "";

    /** Done with the reply in the thread of the work: fetching pixels, opening windows. */
    Ending fetch = (work, reply) -> { };

    /** Done with the reply in the event thread, after {@link #fetch}. */
    Ending ending = (work, reply) -> { };

    private final PanelWork queue;
    private volatile boolean stopped;

    Job(PanelWork queue, String command, String options, ImagePlus imp, boolean inBackground) {
        this.queue = queue;
        this.command = command;
        this.options = options;
        this.imp = imp;
        this.inBackground = inBackground;
    }

    @Override
    public void step(double fraction, String message) {
        queue.step(this, fraction, message);
    }

    @Override
    public void note(String line) {
        queue.note(this, line);
    }

    @Override
    public boolean isStopped() {
        return stopped;
    }

    void stop() {
        stopped = true;
    }
}
