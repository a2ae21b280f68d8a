package tdseg.fiji.table;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One command of the menu. */
public final class Command {
    /** As in the menu and in {@code run(name, options)}. */
    public final String name;

    /** One line. */
    public final String help;

    public final boolean needsImage;
    public final List<Key> keys;

    Command(Fields fields) {
        name = fields.text("name");
        help = fields.text("help");
        needsImage = fields.flag("needs_image");
        List<Key> found = new ArrayList<>();
        fields.objects("keys").forEach(key -> found.add(new Key(key)));
        keys = Collections.unmodifiableList(found);
    }

    /** Returns its keys by name and alias. */
    public Map<String, Key> index() {
        Map<String, Key> index = new LinkedHashMap<>();
        for (Key key : keys) {
            index.put(key.name, key);
            key.aliases.forEach(alias -> index.put(alias, key));
        }
        return index;
    }
}
