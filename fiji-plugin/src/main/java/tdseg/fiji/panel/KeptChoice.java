package tdseg.fiji.panel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Key;

/**
 * What {@code classifier=auto} and {@code augment=auto} chose at the last training with held-out
 * figures.
 *
 * <p>To choose takes many trainings; <em>Live</em> and <em>Update once</em> keep what was chosen.
 */
final class KeptChoice {
    private static final String[] CHOSEN = {"classifier", "shares", "features"};
    private static final String AUGMENT = "augment";
    private final Map<String, String> values = new LinkedHashMap<>();
    private String augment; // null: not chosen

    /** Forgets it: the settings are others. */
    void forget() {
        values.clear();
        augment = null;
    }

    /** Takes over what a training recorded. */
    void keep(Map<String, String> recorded) {
        values.clear();
        for (String key : CHOSEN) {
            if (recorded.containsKey(key)) {
                values.put(key, recorded.get(key));
            }
        }
        augment = recorded.get(AUGMENT);
    }

    /** Returns options with the choice in place of {@code auto}; a classifier that is named stays. */
    String in(String options) {
        StringBuilder found = new StringBuilder(options);
        if (augment != null && isAuto(options, AUGMENT)) {
            put(found, AUGMENT, augment);
        }
        if (!values.isEmpty() && isAuto(options, "classifier")) {
            values.forEach((name, value) -> put(found, name, value));
        }
        return found.toString().trim();
    }

    private static boolean isAuto(String options, String key) {
        String asked = value(options, key);
        return asked == null || asked.equals("auto");
    }

    private static void put(StringBuilder options, String name, String value) {
        Map<String, Key> keys = CommandTable.get().command("TDS Train...").index();
        String without = options.toString().replaceAll(pattern(name), "");
        options.setLength(0);
        options.append(without).append(' ').append(keys.get(name).format(value));
    }

    private static String pattern(String key) {
        return "(^| )" + key + "(=(\\[[^\\]]*\\]|\\S*))?(?= |$)";
    }

    private static String value(String options, String key) {
        Matcher match = Pattern.compile(
                "(?:^| )" + key + "=(\\[[^\\]]*\\]|\\S*)").matcher(options);
        return match.find() ? match.group(1).replaceAll("^\\[|\\]$", "") : null;
    }
}
