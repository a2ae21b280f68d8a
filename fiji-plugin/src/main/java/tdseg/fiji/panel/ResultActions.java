package tdseg.fiji.panel;

import java.util.function.Supplier;

/** The buttons that make a new image or a table of the image with the labels. */
final class ResultActions {
    private static final String APPLY = "TDS Apply...";
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

    private void show(String command, String options) {
        commands.runAndShow(command, options, labels.get());
    }
}
