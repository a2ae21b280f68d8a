package tdseg.fiji.images;

import ij.gui.Roi;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The names of ImageJ's ROI groups. */
public final class GroupNames {
    private static final Map<Integer, String> GIVEN = new HashMap<>();

    private GroupNames() {}

    /** Returns the names that groups have, by number. */
    public static Map<String, Object> all() {
        Map<String, Object> found = new LinkedHashMap<>();
        for (int group = 1; group < 256; group++) {
            String name = Roi.getGroupName(group);
            if (name != null && !name.trim().isEmpty() && !name.trim().equals("null")) {
                found.put(Integer.toString(group), name.trim());
            }
        }
        return found;
    }

    /**
     * Names groups after classes, for ImageJ's dialogs.
     *
     * <p>Names given here before, and not since changed, go where there is no such class any more.
     */
    public static void set(Map<String, Object> classes) {
        for (Iterator<Map.Entry<Integer, String>> i = GIVEN.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<Integer, String> given = i.next();
            boolean gone = !classes.containsKey(Integer.toString(given.getKey()));
            if (gone && given.getValue().equals(Roi.getGroupName(given.getKey()))) {
                Roi.setGroupName(given.getKey(), "");
                i.remove();
            }
        }
        classes.forEach((number, name) -> {
            int group = Integer.parseInt(number);
            if (group >= 1 && group <= 255) {
                GIVEN.put(group, name.toString().replace(',', ';')); // ImageJ separates by commas
                Roi.setGroupName(group, GIVEN.get(group));
            }
        });
    }
}
