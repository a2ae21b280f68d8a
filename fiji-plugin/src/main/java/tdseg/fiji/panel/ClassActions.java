package tdseg.fiji.panel;

import ij.Prefs;
import ij.gui.Roi;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import javax.swing.JMenuItem;
import javax.swing.JOptionPane;
import javax.swing.JPopupMenu;
import javax.swing.JRadioButtonMenuItem;
import tdseg.fiji.UserError;
import tdseg.fiji.images.GroupColours;
import tdseg.fiji.images.GroupNames;

/** The buttons of the classes, and where their names come from. */
final class ClassActions {
    final ClassNames names = new ClassNames();
    final ClassEdits edits;
    private final PanelWindow window;
    private final Commands commands;
    private final Consumer<Runnable> trying;
    private final BooleanSupplier keepsNames;
    private static final String COLOURS = "tdseg.colours.apart";
    private final LabelledImages images;
    private Runnable recoloured = () -> { };
    private Map<String, Object> seen = GroupNames.all();

    /**
     * Makes the actions.
     *
     * @param trying does what may be refused in one sentence.
     * @param keepsNames hears of another name, and tells whether a classifier keeps the old one.
     */
    ClassActions(PanelWindow window, Commands commands, LabelledImages images,
            Consumer<Runnable> trying, BooleanSupplier keepsNames) {
        this.keepsNames = keepsNames;
        this.images = images;
        this.window = window;
        this.commands = commands;
        this.trying = trying;
        edits = new ClassEdits(names, images::open);
    }

    /** Tells Python, ImageJ and the Recorder the names. */
    void send() {
        commands.run("TDS Set Classes...", names.options(), null, (work, reply) -> {
            work.showWithoutImages();
            seen = GroupNames.all(); // ours, which may be older than the rows are
        });
    }

    /** Sees that there are classes for all labels. */
    void cover(List<Roi> labels) {
        if (names.cover(labels)) {
            send();
        }
    }

    /** Takes over names that a macro or a dialog gave; whether there are any. */
    boolean follow() {
        Map<String, Object> now = GroupNames.all();
        if (now.equals(seen) || !commands.work.isIdle()) {
            return false;
        }
        seen = now;
        List<String> before = new ArrayList<>(names.all());
        names.take(now);
        return !before.equals(names.all());
    }

    void create() {
        String name = JOptionPane.showInputDialog(window, "Name of the new class:",
                "class " + (names.count() + 1));
        if (name != null) {
            trying.accept(() -> {
                names.add(name);
                window.classes.setChosen(names.count());
                send();
            });
        }
    }

    void rename() {
        int group = window.classes.chosen();
        String name = JOptionPane.showInputDialog(window, "New name of class " + group + ":",
                names.name(group));
        if (name != null) {
            boolean isNew = !names.name(group).equals(name.trim());
            trying.accept(() -> {
                names.rename(group, name);
                send();
                if (isNew && keepsNames.getAsBoolean()) {
                    window.say("The classifier keeps the names that it was trained with; train it "
                            + "again for this one.", false);
                }
            });
        }
    }

    void remove() {
        int group = window.classes.chosen();
        trying.accept(() -> {
            String name = names.name(group);
            edits.remove(group);
            changed();
            window.say("Class '" + name + "' and its labels are gone, classes after it moved up; "
                    + "Undo brings it back.", false);
        });
    }

    void merge() {
        int group = window.classes.chosen();
        List<String> others = new ArrayList<>(names.all());
        others.remove(group - 1);
        Object into = JOptionPane.showInputDialog(window,
                "Give the labels of '" + names.name(group) + "' to:", PanelWindow.TITLE,
                JOptionPane.QUESTION_MESSAGE, null, others.toArray(), others.get(0));
        if (into != null) {
            trying.accept(() -> {
                edits.merge(group, names.all().indexOf(into) + 1);
                changed();
            });
        }
    }

    /** Offers the colours of classes: ImageJ's, or those that colour-blind users tell apart. */
    JPopupMenu colours() {
        JPopupMenu menu = new JPopupMenu();
        boolean apart = Prefs.get(COLOURS, false);
        for (boolean choice : new boolean[] {false, true}) {
            JMenuItem item = new JRadioButtonMenuItem(choice
                    ? "Apart for colour-blind users too: eight classes" : "As ImageJ's ROI groups",
                    choice == apart);
            item.setName(choice ? "apart" : "usual");
            item.addActionListener(event -> trying.accept(() -> {
                GroupColours.choose(choice);
                Prefs.set(COLOURS, choice);
                recolour();
            }));
            menu.add(item);
        }
        return menu;
    }

    /** Takes over the colours that were chosen in an earlier session. */
    static void restoreColours() {
        if (Prefs.get(COLOURS, false)) {
            try {
                GroupColours.choose(true);
            } catch (UserError error) {
                Prefs.set(COLOURS, false); // another ImageJ than that of then
            }
        }
    }

    private void recolour() {
        for (Labels labels : images.open()) {
            for (Roi roi : labels.all()) {
                roi.setGroup(roi.getGroup()); // which sets the colour
            }
            labels.imp.draw();
        }
        window.classes.setChosen(window.classes.chosen()); // drawn anew
        recoloured.run();
    }

    /** Sets who hears that classes have other colours. */
    void setRecoloured(Runnable listener) {
        recoloured = listener;
    }

    /** After classes went or came back. */
    void changed() {
        window.classes.setChosen(Math.min(window.classes.chosen(), names.count()));
        send();
    }
}
