package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tdseg.fiji.CurrentClassifier;
import tdseg.fiji.table.CommandTable;
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
    private final LabelledImages images;
    private final Preview preview = new Preview();
    private final ClassView view;
    private final KeptChoice choice = new KeptChoice();
    private Object mark = CurrentClassifier.mark();
    private String options = "";
    private boolean live;
    private boolean shown;
    private Labels labels;
    private int labelVersion;
    private int trainedVersion = -1;
    private int classifier; // counts trainings; 0: none yet
    private String given = ""; // what failed or was stopped is not tried again

    Updates(Commands commands, PanelWindow window, LabelledImages images) {
        this.commands = commands;
        this.images = images;
        this.window = window;
        view = new ClassView(commands, preview);
        commands.setAtRest(() -> tick(labels));
        commands.setUnfinished(job -> {
            if (!job.isStopped() && !job.purpose.isEmpty()) {
                given = job.purpose; // the image may have become another meanwhile
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
        tellPreview();
        if (live) {
            commands.work.stopBackground();
        }
    }

    private void tellPreview() {
        preview.setPresent(classifier, trainedVersion == labelVersion);
    }

    /** The settings of the next trainings. */
    void setOptions(String text) {
        options = text;
        choice.forget();
        labelVersion++;
        tellPreview();
    }

    void classifierChanged() {
        classifier++;
        trainedVersion = labelVersion;
        tellPreview();
    }

    /** Hears of a new name of a class; whether the classifier will still have the old one. */
    boolean keepsOldNames() {
        if (live) {
            labelsChanged(); // trains again
        }
        return classifier > 0 && !live;
    }

    /** A macro or the menu may have made another classifier the current one. */
    private void look() {
        if (CurrentClassifier.mark() != mark) {
            mark = CurrentClassifier.mark();
            choice.forget();
            classifierChanged();
        }
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

    /** Shows the classes anew: they have other colours. */
    void repaint() {
        commands.work.stopBackground();
        preview.clear();
        given = "";
    }

    void setOpacity(double opacity) {
        preview.setOpacity(opacity);
    }

    void stop() {
        given = wish();
        commands.stop();
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
        look();
        if (!preview.isOf(labels.imp)) {
            preview.clear(); // another plane, or the image was changed
        }
        if (shown) {
            preview.keep();
            view.follow(labels.imp);
        }
        if (!commands.work.isIdle() || wish().equals(given)) {
            return;
        }
        if (live && trainedVersion != labelVersion && classesDrawn() > 1) {
            train(labels, true);
        } else if (shown && classifier > 0) {
            view.complete(labels, classifier, wish());
        }
    }

    /** Describes what should be there now. */
    private String wish() {
        return labels == null ? "" : labelVersion + " " + classifier + " " + live + " "
                + ShownPlane.describe(labels.imp);
    }

    private long classesDrawn() {
        return images.training().stream().flatMap(each -> each.all().stream())
                .mapToInt(Roi::getGroup).distinct().count();
    }

    void train(Labels chosen) {
        setOverlay(true);
        train(chosen, false);
    }

    void updateOnce(Labels chosen) {
        window.say("", false);
        setOverlay(true);
        train(chosen, true);
    }

    /** Trains on all labelled images that are not left out. */
    private void train(Labels chosen, boolean quietly) {
        List<Labels> training = images.training();
        if (training.isEmpty() && images.isLeftOut(chosen)) {
            window.say("All labelled images are left out; tick one in the list of images.", true);
            return;
        }
        // The command works on the image in front, if that trains.
        Labels first = training.isEmpty() || training.contains(chosen) ? chosen : training.get(0);
        training.remove(first);
        int version = labelVersion;
        Job job = commands.job("TDS Train...", trainOptions(training, quietly), first, quietly);
        job.purpose = wish();
        training.add(first);
        Map<ImagePlus, List<Roi>> used = LabelledImages.now(training);
        job.ending = (work, reply) -> {
            classifier++;
            trainedVersion = version;
            tellPreview();
            Map<String, String> values = tell(reply);
            if (quietly) {
                commands.recordPassing(first.imp, used, work.line());
            } else {
                choice.keep(values);
                commands.record(first.imp, used, work.line());
            }
        };
        commands.work.add(job);
    }

    private String trainOptions(List<Labels> others, boolean quietly) {
        String asked = options.replaceAll("(^| )images=(\\[.*?\\]|\\S*)(?= |$)", "");
        if (quietly) {
            asked = choice.in(asked).replaceAll("(^| )held_out(=\\S*)?(?= |$)", "")
                    + " held_out=false";
        }
        if (!others.isEmpty()) {
            asked += " " + CommandTable.get().command("TDS Train...").index().get("images").format(
                    others.stream().map(each -> each.imp.getTitle())
                            .collect(Collectors.joining(",")));
        }
        return asked.trim();
    }

    private Map<String, String> tell(Fields reply) {
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
        return values;
    }
}
