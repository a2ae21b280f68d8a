package tdseg.fiji.panel;

import ij.gui.Roi;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import tdseg.fiji.UserError;
import tdseg.fiji.images.GroupNames;

/** The classes by their names; the first has ROI group 1. */
final class ClassNames {
    private static final int MOST = 255;
    private final List<String> names = new ArrayList<>();

    /** Starts with the names that ImageJ's groups have, and at least two classes. */
    ClassNames() {
        take(GroupNames.all());
    }

    /** Takes over names by group, as far as they follow one another. */
    void take(Map<String, Object> given) {
        names.clear();
        for (int group = 1; given.containsKey(Integer.toString(group)); group++) {
            names.add(given.get(Integer.toString(group)).toString());
        }
        grow(2);
    }

    List<String> all() {
        return Collections.unmodifiableList(names);
    }

    int count() {
        return names.size();
    }

    String name(int group) {
        return group >= 1 && group <= names.size() ? names.get(group - 1) : "group " + group;
    }

    /**
     * Sees that there are classes for the groups of these labels.
     *
     * @return whether there are new ones.
     */
    boolean cover(List<Roi> labels) {
        int most = labels.stream().mapToInt(Roi::getGroup).filter(g -> g <= MOST).max().orElse(0);
        int before = names.size();
        grow(most);
        return names.size() > before;
    }

    void add(String name) {
        if (names.size() == MOST) {
            throw new UserError("There are " + MOST + " classes, which is the most ImageJ has "
                    + "groups for.");
        }
        names.add(checked(name));
    }

    void rename(int group, String name) {
        if (!names.get(group - 1).equals(name.trim())) {
            names.set(group - 1, checked(name));
        }
    }

    /** Takes a class away; those after it move up. */
    void remove(int group) {
        names.remove(group - 1);
    }

    /** Puts a class in its place again. */
    void insert(int group, String name) {
        int place = Math.min(group - 1, names.size());
        names.add(place, unused(name));
        if (names.size() > MOST) {
            names.remove(MOST);
        }
    }

    /** Returns what {@code TDS Set Classes...} takes. */
    String options() {
        return "classes=[" + String.join(",", names) + "]";
    }

    private String checked(String given) {
        String name = given.trim();
        if (name.isEmpty() || name.matches(".*[,\\[\\]\"\\\\].*")) {
            throw new UserError("A class needs a name without commas, brackets, quotes and "
                    + "backslashes, not '" + given + "'.");
        }
        if (names.contains(name)) {
            throw new UserError("There is a class '" + name + "' already; choose another name.");
        }
        return name;
    }

    private void grow(int count) {
        while (names.size() < count) {
            names.add(unused("class " + (names.size() + 1)));
        }
    }

    private String unused(String wanted) {
        String name = wanted;
        while (names.contains(name)) {
            name += "b";
        }
        return name;
    }
}
