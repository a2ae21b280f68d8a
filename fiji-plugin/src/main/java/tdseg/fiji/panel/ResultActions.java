package tdseg.fiji.panel;

import java.util.function.Supplier;
import javax.swing.JMenuItem;
import javax.swing.JPopupMenu;

/** The buttons that make a new image or a table of the image with the labels. */
final class ResultActions {
    private static final String APPLY = "TDS Apply...";
    private static final String OBJECTS = "TDS Objects...";
    private static final String FEATURES = "TDS Features...";
    private final Commands commands;
    private final Supplier<Labels> labels;

    /**
     * Makes the actions.
     *
     * @param labels gives those of the image that the panel works on.
     */
    ResultActions(Commands commands, Supplier<Labels> labels) {
        this.commands = commands;
        this.labels = labels;
    }

    void createResult() {
        show(APPLY, "output=labels");
    }

    void getProbability() {
        show(APPLY, "output=probabilities");
    }

    void getUncertainty() {
        show(APPLY, "output=uncertainty");
    }

    void getFeatures() {
        commands.ask(FEATURES, options -> show(FEATURES, options));
    }

    void applyClassifier() {
        commands.ask(APPLY, options -> show(APPLY, options));
    }

    /** Returns what there is besides the buttons. */
    JPopupMenu more() {
        JPopupMenu menu = new JPopupMenu();
        add(menu, "Result with legend", () -> show(APPLY, "output=labels legend=true"));
        add(menu, "Composite of probabilities", () -> show(APPLY, "output=composite legend=true"));
        add(menu, "Areas of classes",
                () -> show("TDS Class Statistics", "classes_from=classifier"));
        add(menu, "Objects...", () -> commands.ask(OBJECTS, options -> show(OBJECTS, options)));
        return menu;
    }

    private static void add(JPopupMenu menu, String name, Runnable action) {
        JMenuItem item = new JMenuItem(name);
        item.setName(name);
        item.addActionListener(event -> action.run());
        menu.add(item);
    }

    private void show(String command, String options) {
        commands.runAndShow(command, options, labels.get());
    }
}
