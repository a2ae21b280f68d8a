package tdseg.fiji.panel;

import ij.IJ;
import ij.ImagePlus;
import ij.WindowManager;
import ij.gui.ImageRoi;
import ij.gui.Roi;
import ij.plugin.frame.Recorder;
import java.awt.EventQueue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import tdseg.fiji.Recording;
import tdseg.fiji.dialogs.Ask;
import tdseg.fiji.images.Tables;
import tdseg.fiji.table.CommandTable;

/** The commands of the panel: done one after the other, recorded, and told in its lines. */
final class Commands implements PanelWork.Listener {
    final PanelWork work = new PanelWork(this);
    private final PanelWindow window;
    private final Transcript transcript;
    private final LabelledImages images;
    private Consumer<Job> unfinished = job -> { };
    private Runnable atRest = () -> { };
    private String complaint = ""; // of work in the background
    private Job stopping; // by the user, who is told when it has ended

    Commands(PanelWindow window, Transcript transcript, LabelledImages images) {
        this.images = images;
        this.window = window;
        this.transcript = transcript;
    }

    /** Sets who hears of jobs that failed or were stopped. */
    void setUnfinished(Consumer<Job> listener) {
        unfinished = listener;
    }

    /** Sets what happens when the last command has ended. */
    void setAtRest(Runnable action) {
        atRest = action;
    }

    /** Ends all work, and tells when it has ended. */
    void stop() {
        stopping = work.stop();
        if (stopping != null) {
            window.say("Stopping...", false);
        }
    }

    /** Returns the macro line of a command with one value. */
    static String line(String command, String key, String value) {
        String option = CommandTable.get().command(command).index().get(key).format(value);
        return "run(\"" + command + "\", \""
                + option.replace("\\", "\\\\").replace("\"", "\\\"") + "\");";
    }

    /**
     * Runs a command that makes no image.
     *
     * @param labels of the image that it works on, or null.
     * @param ending done with the reply; null: what its edits are.
     */
    void run(String command, String options, Labels labels, Job.Ending ending) {
        Job job = job(command, options, labels, false);
        Job.Ending then = ending == null ? (w, reply) -> w.showWithoutImages() : ending;
        boolean edits = command.equals("TDS Load Labels...");
        Map<ImagePlus, List<Roi>> used = labels == null || edits ? null : now(labels);
        ImagePlus imp = labels == null ? null : labels.imp;
        job.ending = (w, reply) -> {
            then.accept(w, reply);
            record(imp, used, w.line());
        };
        work.add(job);
    }

    /** Runs a command and shows its images and tables in their windows. */
    void runAndShow(String command, String options, Labels labels) {
        if (labels == null && CommandTable.get().command(command).needsImage) {
            window.say("The image was closed; open it again.", true);
            return;
        }
        Job job = job(command, options, labels, false);
        ImagePlus imp = labels == null ? null : labels.imp;
        Map<ImagePlus, List<Roi>> used = labels == null ? null : now(labels);
        job.fetch = (w, reply) -> Recording.suspended(() -> {
            reply.objects("tables").forEach(Tables::show);
            w.images().forEach(ImagePlus::show);
            w.showWithoutImages(); // thousands of outlines would stop the event thread
        });
        job.ending = (w, reply) -> record(imp, used, w.line());
        work.add(job);
    }

    Job job(String command, String options, Labels labels, boolean inBackground) {
        if (!inBackground) {
            window.say("", false);
        }
        return new Job(work, command, options, labels == null ? null : labels.imp, inBackground);
    }

    private static Map<ImagePlus, List<Roi>> now(Labels labels) {
        return LabelledImages.now(Collections.singletonList(labels));
    }

    /**
     * Records a command that was done.
     *
     * @param imp the image that it worked on, or null.
     * @param used the labels of then, by image; null: it changed them itself.
     */
    void record(ImagePlus imp, Map<ImagePlus, List<Roi>> used, String line) {
        transcript.add(imp, used, line);
        recordInWindow(imp, used, line);
    }

    /** Records a training of Live. */
    void recordPassing(ImagePlus imp, Map<ImagePlus, List<Roi>> used, String line) {
        transcript.addPassing(imp, used, line);
        recordInWindow(imp, used, line);
    }

    /**
     * Puts a command that a menu or a macro did into the session: what the panel shows comes of it.
     *
     * @param done the macro line, the image that was active (or null), its overlay of then.
     */
    void recordOthers(List<?> done) {
        String line = (String) done.get(0);
        ImagePlus imp = (ImagePlus) done.get(1);
        Map<ImagePlus, List<Roi>> used = new LinkedHashMap<>();
        if (imp != null) {
            used.put(imp, Arrays.stream((Roi[]) done.get(2))
                    .filter(roi -> !(roi instanceof ImageRoi)).collect(Collectors.toList()));
        }
        if (line.contains(" images=")) {
            images.labelled().forEach(each -> used.putIfAbsent(each.imp, each.all()));
        }
        transcript.add(imp, used, line);
    }

    /** The Recorder's lines are in the order of the screen: a stroke may have come in between. */
    private void recordInWindow(ImagePlus imp, Map<ImagePlus, List<Roi>> used, String line) {
        List<Labels> older = new ArrayList<>();
        if (used != null) {
            for (Map.Entry<ImagePlus, List<Roi>> then : used.entrySet()) {
                Labels labels = images.of(then.getKey());
                if (labels.imp.getWindow() != null && !Labels.same(then.getValue(), labels.all())) {
                    older.add(labels);
                    recordLabels(labels.imp, then.getValue());
                }
            }
        }
        on(imp, line);
        older.forEach(labels -> recordLabels(labels.imp, labels.all()));
    }

    /** Records that another image is in front, unless ImageJ has: it does for the user's clicks. */
    void recordFront(ImagePlus imp) {
        String line = Transcript.selecting(imp);
        if (Recorder.record && !Recorder.getInstance().getText().trim().endsWith(line)) {
            Recording.macroLine(line);
        }
    }

    /** Records a line for an image, which need not be in front any more. */
    private static void on(ImagePlus imp, String line) {
        ImagePlus front = WindowManager.getCurrentImage();
        boolean elsewhere = imp != null && front != null && imp != front;
        if (elsewhere) {
            Recording.macroLine(Transcript.selecting(imp));
        }
        Recording.macroLine(line);
        if (elsewhere) {
            Recording.macroLine(Transcript.selecting(front));
        }
    }

    /** Records labels that no command of one line makes, by a file. */
    void recordLabels(ImagePlus imp, List<Roi> labels) {
        if (Recorder.record) {
            try {
                on(imp, labels.isEmpty() ? "run(\"Remove Overlay\");"
                        : transcript.labelsLine(labels));
            } catch (IOException error) {
                window.say("The labels could not be recorded: " + error.getMessage(), true);
            }
        }
    }

    /** Asks for a command's options, outside of the event thread, and gives them on in it. */
    void ask(String command, Consumer<String> then) {
        Thread thread = new Thread(() -> {
            String[] options = new String[1];
            // Else the chosen path would stand in the Recorder twice.
            Recording.suspended(() -> options[0] = Ask.options(command));
            if (options[0] != null) {
                EventQueue.invokeLater(() -> then.accept(options[0]));
            }
        }, "TDS dialog");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void working(Job job, double fraction, String message) {
        if (job == null) {
            window.showProgress(null, "");
            atRest.run();
        } else {
            String what = job.command.replaceAll("^TDS |\\.\\.\\.$", "");
            window.showProgress(fraction, message.isEmpty() ? what : what + ": " + message);
        }
    }

    /** Shown here, and in the Log if that is open: it would cover the panel. */
    @Override
    public void noted(Job job, String line) {
        if (!job.inBackground) {
            window.sayMore(line);
            if (WindowManager.getWindow("Log") != null) {
                IJ.log(line);
            }
        }
    }

    @Override
    public void failed(Job job, String sentence) {
        if (job == stopping) {
            window.say("Stopped; labels and classifier are as they were.", false);
            stopping = null;
        } else if (!job.isStopped()) { // else there is nothing new to say
            window.say(sentence, true);
            complaint = job.inBackground ? sentence : "";
        }
        unfinished.accept(job);
    }

    @Override
    public void ended(Job job) {
        if (job == stopping) {
            window.say("It was done already when Stop was pressed.", false);
            stopping = null;
        }
        if (job.inBackground && window.says(complaint)) {
            window.say("", false); // what hindered the overlay does so no more
        }
    }
}
