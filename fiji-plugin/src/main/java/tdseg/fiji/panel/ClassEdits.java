package tdseg.fiji.panel;

import ij.gui.Roi;
import java.util.List;
import java.util.function.Supplier;
import tdseg.fiji.UserError;

/**
 * Classes removed or merged, with the labels of all open images: classes after them move up, for
 * class k is ROI group k. It is undone as a whole, or not at all.
 */
final class ClassEdits {
    /** A class that was dropped; what that did to labels is in the history of each image. */
    static final class Edit {
        final String what;
        final int group;
        final String name;

        Edit(String what, int group, String name) {
            this.what = what;
            this.group = group;
            this.name = name;
        }
    }

    private final ClassNames names;
    private final Supplier<List<Labels>> images;

    /**
     * Makes one that has changed nothing yet.
     *
     * @param images gives the labels of all open images.
     */
    ClassEdits(ClassNames names, Supplier<List<Labels>> images) {
        this.names = names;
        this.images = images;
    }

    /** Removes a class and its labels. */
    void remove(int group) {
        drop(group, 0, "the removal of class '" + names.name(group) + "'");
    }

    /** Gives the labels of a class to another one, and removes it. */
    void merge(int group, int into) {
        drop(group, into, "the merge of class '" + names.name(group) + "'");
    }

    private void drop(int group, int into, String what) {
        String name = names.name(group);
        if (names.count() <= 2) {
            throw new UserError("There are two classes, the fewest that can be trained; rename "
                    + "class '" + name + "' instead.");
        }
        Edit edit = new Edit(what, group, name);
        String heir = into == 0 ? null : names.name(into);
        for (Labels labels : images.get()) {
            labels.regroup(edit, into, heir);
        }
        names.remove(group);
    }

    /** Takes back the last change of an image's labels; whether there was one. */
    boolean undo(Labels labels) {
        labels.version();
        Edit edit = labels.lastEdit();
        if (edit == null) {
            return labels.undo();
        }
        for (Labels other : images.get()) {
            other.version();
            if (other.lastEdit() != edit && (other.knows(edit) || !other.all().isEmpty())) {
                throw new UserError("Image '" + other.imp.getTitle() + "' has labels that are "
                        + "newer than " + edit.what + "; undo those, or close it, first.");
            }
        }
        for (Labels other : images.get()) {
            if (other.lastEdit() == edit) {
                other.undo();
            }
        }
        names.insert(edit.group, edit.name);
        return true;
    }

    /** Does again what was undone last; whether there was something. */
    boolean redo(Labels labels) {
        labels.version();
        Edit edit = labels.nextEdit();
        if (edit == null) {
            return labels.redo();
        }
        for (Labels other : images.get()) {
            other.version();
            boolean isFar = other.nextEdit() != edit && !other.all().isEmpty();
            if (isFar || names.count() <= 2) {
                throw new UserError("The labels of image '" + other.imp.getTitle() + "' are not "
                        + "as they were before " + edit.what + "; do it anew.");
            }
        }
        for (Labels other : images.get()) {
            if (other.nextEdit() == edit) {
                other.redo();
            }
        }
        names.remove(edit.group);
        return true;
    }

    /** Returns a label's group after a class was dropped; 0: it goes. */
    static int regrouped(Roi label, int dropped, int into) {
        int group = label.getGroup() == dropped ? into : label.getGroup();
        return group > dropped ? group - 1 : group;
    }
}
