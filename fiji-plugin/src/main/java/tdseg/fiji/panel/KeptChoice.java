package tdseg.fiji.panel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Key;

/**
 * What {@code classifier=auto} chose at the last training with held-out figures.
 *
 * <p>To choose takes many trainings; <em>Live</em> and <em>Update once</em> keep what was chosen.
 */
final class KeptChoice {
    private static final String[] CHOSEN = {"classifier", "shares", "features"};
    private final Map<String, String> values = new LinkedHashMap<>();

    /** Forgets it: the settings are others. */
    void forget() {
        values.clear();
    }

    /** Takes over what a training recorded. */
    void keep(Map<String, String> recorded) {
        values.clear();
        for (String key : CHOSEN) {
            if (recorded.containsKey(key)) {
                values.put(key, recorded.get(key));
            }
        }
    }

    /** Returns options with the choice in place of {@code auto}; a classifier that is named stays. */
    String in(String options) {
        String asked = value(options, "classifier");
        if (values.isEmpty() || !(asked == null || asked.equals("auto"))) {
            return options;
        }
        StringBuilder found = new StringBuilder(options);
        Map<String, Key> keys = CommandTable.get().command("TDS Train...").index();
        values.forEach((name, value) -> {
            String without = found.toString().replaceAll(pattern(name), "");
            found.setLength(0);
            found.append(without).append(' ').append(keys.get(name).format(value));
        });
        return found.toString().trim();
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
