package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import ij.process.ImageProcessor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.CommandWork;
import tdseg.fiji.table.Fields;

/**
 * Training and the classes over the image, by button or after each stroke.
 *
 * <p>What is to be done follows from what is and what should be, looked at again and again: so a
 * stroke, another slice or a command in between needs no plan of its own.
 */
final class Updates {
    private final Commands commands;
    private final PanelWindow window;
    private final Preview preview = new Preview();
    private String options = "";
    private boolean live;
    private boolean shown;
    private Labels labels;
    private int labelVersion;
    private int trainedVersion = -1;
    private int classifier; // counts trainings; 0: none yet
    private int shownClassifier;
    private String given = ""; // what failed or was stopped is not tried again

    Updates(Commands commands, PanelWindow window) {
        this.commands = commands;
        this.window = window;
        commands.setUnfinished(job -> {
            if (!job.isStopped()) {
                given = wish();
            }
        });
    }

    void setImage(Labels chosen) {
        labels = chosen;
        commands.work.stopBackground();
        preview.clear(); // the classifier stays: it is shown on this image too
    }

    void labelsChanged() {
        labelVersion++;
        preview.setOutdated();
        if (live) {
            commands.work.stopBackground();
        }
    }

    /** The settings of the next trainings. */
    void setOptions(String text) {
        options = text;
        labelVersion++;
        preview.setOutdated();
    }

    void classifierChanged() {
        classifier++;
        trainedVersion = labelVersion;
    }

    void setLive(boolean on) {
        live = on;
        given = "";
        if (on) {
            setOverlay(true);
        } else {
            commands.work.stopBackground();
        }
    }

    void setOverlay(boolean on) {
        shown = on;
        given = "";
        window.overlay.setSelected(on);
        if (!on) {
            preview.clear();
        }
    }

    void setOpacity(double opacity) {
        preview.setOpacity(opacity);
    }

    void stop() {
        given = wish();
        commands.work.stop();
        window.say("Stopped; labels and classifier are as they were.", false);
    }

    void close() {
        commands.work.close();
        preview.clear();
    }

    /** Starts what is missing, when nothing else runs. */
    void tick(Labels chosen) {
        if (labels == null) {
            return;
        }
        if (!preview.isOf(labels.imp)) {
            preview.clear(); // another plane, or the image was changed in shape or type
        }
        if (!commands.work.isIdle() || wish().equals(given)) {
            return;
        }
        if (live && trainedVersion != labelVersion && classesDrawn() > 1) {
            train(labels, true);
        } else if (shown && classifier > 0
                && (!preview.isOf(labels.imp) || shownClassifier != classifier)) {
            showClasses();
        }
    }

    /** Describes what should be there now. */
    private String wish() {
        return labels == null ? "" : labelVersion + " " + classifier + " " + live + " "
                + Preview.plane(labels.imp);
    }

    private long classesDrawn() {
        return labels.all().stream().mapToInt(Roi::getGroup).distinct().count();
    }

    void train(Labels chosen) {
        setOverlay(true);
        train(chosen, false);
    }

    void updateOnce(Labels chosen) {
        setOverlay(true);
        train(chosen, true);
    }

    private void train(Labels chosen, boolean quietly) {
        int version = labelVersion;
        String asked = quietly
                ? (options.replaceAll("(^| )held_out(=\\S*)?(?= |$)", "") + " held_out=false").trim()
                : options;
        Job job = commands.job("TDS Train...", asked, chosen, quietly);
        List<Roi> used = chosen.all();
        job.ending = (work, reply) -> {
            classifier++;
            trainedVersion = version;
            tell(reply);
            if (quietly) {
                commands.recordPassing(chosen, used, work.line());
            } else {
                commands.record(chosen, used, work.line());
            }
        };
        commands.work.add(job);
    }

    private void tell(Fields reply) {
        String quality = "";
        for (Fields table : reply.objects("tables")) {
            quality += Quality.line(table);
        }
        window.showQuality(quality);
        Map<String, String> values = new HashMap<>();
        for (Object pair : reply.list("values")) {
            List<?> both = (List<?>) pair;
            values.put(both.get(0).toString(), both.get(1).toString());
        }
        StringBuilder line = new StringBuilder();
        for (String key : Arrays.asList("classifier", "features", "backbone", "device")) {
            if (values.containsKey(key)) {
                line.append(line.length() == 0 ? "" : " \u00b7 ").append(values.get(key));
            }
        }
        window.showRunning(line.toString());
    }

    /** Asks for the classes of the plane that is shown. */
    private void showClasses() {
        ImagePlus imp = labels.imp;
        String plane = Preview.plane(imp);
        int wanted = (imp.getT() - 1) * imp.getNSlices() + imp.getZ() - 1;
        int slice = imp.getNSlices() > 1 ? imp.getZ() : imp.getT();
        Job job = commands.job("TDS Apply...", "output=labels first_label=1"
                + (imp.getNSlices() * imp.getNFrames() > 1 ? " slices=" + slice : ""), labels, true);
        int which = classifier;
        ImageProcessor[] found = new ImageProcessor[1];
        job.fetch = (work, reply) -> found[0] = plane(work, reply, wanted);
        job.ending = (work, reply) -> {
            if (shown && imp.getWindow() != null && plane.equals(Preview.plane(imp))) {
                preview.show(imp, plane, found[0]);
                shownClassifier = which;
                if (trainedVersion != labelVersion) {
                    preview.setOutdated();
                }
            }
        };
        commands.work.add(job);
    }

    private static ImageProcessor plane(CommandWork work, Fields reply, int wanted) {
        Fields described = reply.objects("images").get(0);
        int index = wanted;
        if (described.has("planes")) {
            int[] planes = described.wholes("planes");
            for (int i = 0; i < planes.length; i++) {
                index = planes[i] == wanted ? i : index;
            }
        }
        return work.images().get(0).getStack().getProcessor(index + 1);
    }
}
