package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import tdseg.fiji.Recording;
import tdseg.fiji.UserError;

/** What is done with labels at once: add, show, move, delete, undo. */
final class LabelActions {
    /** Selections that ImageJ's Recorder writes a line for, when they are drawn. */
    private static final List<Integer> RECORDED = Arrays.asList(Roi.RECTANGLE, Roi.OVAL,
            Roi.POLYGON, Roi.LINE, Roi.POLYLINE);

    private final PanelWindow window;
    private final Commands commands;
    private final ClassActions classes;
    private final LabelledImages images;
    private final Supplier<Labels> labels;
    private final Consumer<Runnable> trying;

    /**
     * Makes the actions.
     *
     * @param labels gives those of the image that the panel works on, or null.
     * @param trying does what may be refused in one sentence, and looks what changed.
     */
    LabelActions(PanelWindow window, Commands commands, ClassActions classes,
            LabelledImages images, Supplier<Labels> labels, Consumer<Runnable> trying) {
        this.window = window;
        this.commands = commands;
        this.classes = classes;
        this.images = images;
        this.labels = labels;
        this.trying = trying;
    }

    /** Makes the selection a label. */
    void add(int group) {
        window.classes.setChosen(group);
        trying.accept(() -> {
            Labels there = labels.get();
            if (there == null) {
                throw new UserError("No image is open; open one and draw on it.");
            }
            String name = classes.names.name(group);
            Roi label = there.add(group, name);
            if (RECORDED.contains(label.getType())) {
                Recording.macroLine(Commands.line("TDS Add Label...", "class", name));
            } else {
                record(there);
            }
        });
    }

    /** Shows a label in its image, on its slice. */
    void show(Roi label) {
        if (labels.get() == null) {
            return;
        }
        ImagePlus imp = labels.get().imp;
        if (label.hasHyperStackPosition()) {
            imp.setPosition(Math.max(label.getCPosition(), 1), Math.max(label.getZPosition(), 1),
                    Math.max(label.getTPosition(), 1));
        } else if (label.getPosition() > 0) {
            imp.setSlice(label.getPosition());
        }
        imp.setRoi((Roi) label.clone());
    }

    /** Deletes the labels that are chosen in the list. */
    void delete() {
        Labels there = labels.get();
        List<Roi> chosen = window.regions.getSelectedValuesList();
        List<Integer> places = new ArrayList<>();
        chosen.forEach(roi -> places.add(there.index(roi)));
        places.sort((a, b) -> b - a); // from the end, so that the others keep their places
        places.forEach(i -> Recording.macroLine("Overlay.removeSelection(" + i + ");"));
        trying.accept(() -> there.remove(chosen));
        there.imp.deleteRoi();
    }

    /** Gives the labels that are chosen in the list to the class that is chosen. */
    void move() {
        Labels there = labels.get();
        int group = window.classes.chosen();
        trying.accept(() -> there.move(
                window.regions.getSelectedValuesList(), group, classes.names.name(group)));
        there.imp.deleteRoi();
        record(there);
    }

    void undo() {
        step(classes.edits::undo);
    }

    void redo() {
        step(classes.edits::redo);
    }

    private void step(java.util.function.Predicate<Labels> change) {
        trying.accept(() -> {
            List<String> before = new ArrayList<>(classes.names.all());
            Labels there = labels.get();
            if (change.test(there)) {
                if (!before.equals(classes.names.all())) {
                    classes.changed();
                    images.labelled().forEach(this::record);
                } else {
                    record(there);
                }
            }
        });
    }

    private void record(Labels there) {
        commands.recordLabels(there.imp, there.all());
    }
}
