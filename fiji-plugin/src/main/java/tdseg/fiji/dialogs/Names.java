package tdseg.fiji.dialogs;

import tdseg.fiji.table.Key;

/** Keys and sentences as a dialog shows them. */
final class Names {
    private Names() {}

    /** Returns {@code Sigma max} for {@code sigma_max}. */
    static String of(Key key) {
        String words = key.name.replace('_', ' ').replace("crf", "CRF").replace("rgb", "RGB");
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    static String sentence(String help) {
        return help.isEmpty() ? "" : Character.toUpperCase(help.charAt(0)) + help.substring(1);
    }

    /** Returns a text for HTML. */
    static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
