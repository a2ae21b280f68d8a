package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Arrow;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import ij.gui.TextRoi;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tdseg.fiji.UserError;
import tdseg.fiji.images.SelectionLabel;

/**
 * The labels of an image: the ROIs of its overlay that have a group. Every change can be undone,
 * also those that others make.
 */
final class Labels {
    private static final int REMEMBERED = 200;

    final ImagePlus imp;
    private final Deque<Step> undo = new ArrayDeque<>();
    private final Deque<Step> redo = new ArrayDeque<>();
    private long version;
    private List<Roi> known;
    private List<Roi> saved;

    /** A state to go back to, and the change of classes that left it, or null. */
    private static final class Step {
        final List<Roi> rois;
        final ClassEdits.Edit edit;

        Step(List<Roi> rois, ClassEdits.Edit edit) {
            this.rois = rois;
            this.edit = edit;
        }
    }

    Labels(ImagePlus imp) {
        this.imp = imp;
        known = everything();
        saved = known;
    }

    /** Returns the labels in the order they were drawn. */
    List<Roi> all() {
        List<Roi> found = new ArrayList<>();
        for (Roi roi : everything()) {
            if (roi.getGroup() > 0 && !(roi instanceof ImageRoi)) {
                found.add(roi);
            }
        }
        return found;
    }

    /** Returns all of the overlay, other ROIs than labels too. */
    List<Roi> everything() {
        Overlay overlay = imp.getOverlay();
        return overlay == null ? Collections.emptyList() : Arrays.asList(overlay.toArray());
    }

    /** Returns a number that grows with each change; also by macros, or ImageJ's own menus. */
    long version() {
        List<Roi> now = everything();
        if (!same(now, known)) {
            changed(now, null);
        }
        return version;
    }

    private void changed(List<Roi> now, ClassEdits.Edit edit) {
        remember(undo, new Step(known, edit));
        redo.clear();
        known = now;
        version++;
    }

    /** Adds the selection, and returns the label that it became. */
    Roi add(int group, String className) {
        Roi selection = imp.getRoi();
        if (selection == null) {
            throw new UserError("Image '" + imp.getTitle() + "' has no selection; draw one, then "
                    + "add it to '" + className + "'.");
        }
        if (selection instanceof TextRoi || selection instanceof ImageRoi
                || selection instanceof Arrow) {
            throw new UserError("A selection of text, an image or an arrow is no label; draw an "
                    + "area, a line or points.");
        }
        if (PixelCount.of(selection, imp) == 0) {
            throw new UserError("The selection lies outside of image '" + imp.getTitle()
                    + "'; draw one on it.");
        }
        Roi label = SelectionLabel.of(imp, group, nextName(className));
        List<Roi> now = new ArrayList<>(everything());
        now.add(label);
        set(now);
        imp.deleteRoi();
        return label;
    }

    /** Returns the index of a label in the overlay. */
    int index(Roi label) {
        List<Roi> now = everything();
        for (int i = 0; i < now.size(); i++) {
            if (now.get(i) == label) {
                return i;
            }
        }
        return -1;
    }

    void remove(List<Roi> labels) {
        List<Roi> now = new ArrayList<>(everything());
        now.removeIf(roi -> contains(labels, roi));
        set(now);
    }

    /** Gives labels to another class; they are then its last. */
    void move(List<Roi> labels, int group, String className) {
        List<Roi> now = new ArrayList<>(everything());
        now.removeIf(roi -> contains(labels, roi));
        for (Roi label : labels) {
            Roi moved = (Roi) label.clone();
            moved.setGroup(group);
            moved.setName(nextName(className));
            now.add(moved);
            set(now); // the next name counts on
        }
    }

    /** Drops a class: its labels go, or to another class of this name; later groups move up. */
    void regroup(ClassEdits.Edit edit, int into, String name) {
        version();
        int dropped = edit.group;
        List<Roi> now = new ArrayList<>();
        for (Roi roi : everything()) {
            if (roi.getGroup() == 0 || roi.getGroup() < dropped) {
                now.add(roi);
                continue;
            }
            int group = ClassEdits.regrouped(roi, dropped, into);
            if (group > 0) {
                Roi moved = (Roi) roi.clone();
                moved.setGroup(group);
                if (roi.getGroup() == dropped) {
                    List<Roi> there = new ArrayList<>(everything());
                    there.addAll(now);
                    moved.setName(nextName(name, there));
                }
                now.add(moved);
            }
        }
        if (!same(now, everything())) {
            set(now);
        }
        changed(everything(), edit);
    }

    /** Returns the change of classes that Undo would take back, or null. */
    ClassEdits.Edit lastEdit() {
        return undo.isEmpty() ? null : undo.peek().edit;
    }

    /** Returns the change of classes that Redo would do again, or null. */
    ClassEdits.Edit nextEdit() {
        return redo.isEmpty() ? null : redo.peek().edit;
    }

    /** Whether a change of classes is in the history. */
    boolean knows(ClassEdits.Edit edit) {
        return undo.stream().anyMatch(step -> step.edit == edit);
    }

    boolean undo() {
        return step(undo, redo);
    }

    boolean redo() {
        return step(redo, undo);
    }

    boolean canUndo() {
        return !undo.isEmpty();
    }

    boolean canRedo() {
        return !redo.isEmpty();
    }

    /** Whether there are labels that no file has. */
    boolean areUnsaved() {
        return !all().isEmpty() && !same(everything(), saved);
    }

    /** Notes what a file of the user's has. */
    void setSaved(List<Roi> written) {
        saved = written;
    }

    /** Notes that all labels came from a file. */
    void haveLoaded() {
        saved = everything();
    }

    private boolean step(Deque<Step> from, Deque<Step> to) {
        version();
        if (from.isEmpty()) {
            return false;
        }
        Step then = from.pop();
        remember(to, new Step(known, then.edit));
        set(then.rois);
        known = everything();
        version++;
        return true;
    }

    private static void remember(Deque<Step> where, Step state) {
        where.push(state);
        if (where.size() > REMEMBERED) {
            where.removeLast();
        }
    }

    private void set(List<Roi> rois) {
        Overlay overlay = imp.getOverlay() == null ? new Overlay() : imp.getOverlay().create();
        rois.forEach(overlay::add);
        imp.setOverlay(overlay);
    }

    /** Returns {@code name-01} or the first number above those that are there. */
    private String nextName(String className) {
        return nextName(className, everything());
    }

    private static String nextName(String className, List<Roi> there) {
        Pattern numbered = Pattern.compile(Pattern.quote(className) + "-(\\d{1,9})");
        int taken = 0;
        for (Roi roi : there) {
            Matcher match = numbered.matcher(roi.getName() == null ? "" : roi.getName());
            if (match.matches()) {
                taken = Math.max(taken, Integer.parseInt(match.group(1)));
            }
        }
        return String.format("%s-%02d", className, taken + 1);
    }

    /** ROIs of the same place are equal for ImageJ; here only the same are. */
    private static boolean contains(List<Roi> rois, Roi roi) {
        return rois.stream().anyMatch(other -> other == roi);
    }

    /** Whether two lists have the very same ROIs. */
    static boolean same(List<Roi> a, List<Roi> b) {
        if (a == null || b == null || a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (a.get(i) != b.get(i)) {
                return false;
            }
        }
        return true;
    }
}
