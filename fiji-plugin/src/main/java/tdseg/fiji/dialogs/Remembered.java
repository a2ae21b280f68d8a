package tdseg.fiji.dialogs;

import ij.Prefs;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Key;

/** What the user last chose in a dialog, kept in ImageJ's preferences. */
final class Remembered {
    private Remembered() {}

    /** Returns the last value of a key, or its default; empty: none. */
    static String value(Command command, Key key) {
        String last = Prefs.get(name(command, key), null);
        return last == null || !isValid(key, last) ? standard(key) : last;
    }

    static String standard(Key key) {
        return key.defaultText == null ? "" : key.defaultText;
    }

    static void keep(Command command, Key key, String value) {
        String standard = value.equals(standard(key)) ? null : value;
        Prefs.set(name(command, key), standard);
    }

    /** A later version may have other choices. */
    private static boolean isValid(Key key, String value) {
        return value.isEmpty() ? key.defaultText == null : KeyField.reason(key, value).isEmpty();
    }

    private static String name(Command command, Key key) {
        return "tdseg." + command.name.replaceAll("\\W", "") + "." + key.name;
    }
}
