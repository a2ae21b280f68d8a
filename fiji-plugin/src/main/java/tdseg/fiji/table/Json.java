package tdseg.fiji.table;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON into maps, lists, strings, booleans and {@link BigDecimal}s.
 *
 * <p>Menu and dialogs need it before, and in Python mode without, the jars of Appose.
 */
public final class Json {
    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Reads one value.
     *
     * @throws IllegalArgumentException if the text is not JSON.
     */
    public static Object read(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.skipBlanks();
        if (json.at < text.length()) {
            throw json.wrong("the end");
        }
        return value;
    }

    private Object value() {
        skipBlanks();
        char next = peek();
        if (next == '{') {
            return object();
        }
        if (next == '[') {
            return array();
        }
        if (next == '"') {
            return string();
        }
        return word();
    }

    private Map<String, Object> object() {
        Map<String, Object> found = new LinkedHashMap<>();
        take('{');
        if (takeIf('}')) {
            return found;
        }
        do {
            skipBlanks();
            String name = string();
            take(':');
            found.put(name, value());
        } while (takeIf(','));
        take('}');
        return found;
    }

    private List<Object> array() {
        List<Object> found = new ArrayList<>();
        take('[');
        if (takeIf(']')) {
            return found;
        }
        do {
            found.add(value());
        } while (takeIf(','));
        take(']');
        return found;
    }

    private String string() {
        StringBuilder found = new StringBuilder();
        take('"');
        for (char letter = next(); letter != '"'; letter = next()) {
            found.append(letter == '\\' ? escaped() : letter);
        }
        return found.toString();
    }

    private char escaped() {
        char letter = next();
        if (letter == 'u') {
            at += 4;
            if (at > text.length()) {
                throw wrong("four digits");
            }
            return (char) Integer.parseInt(text.substring(at - 4, at), 16);
        }
        int known = "bfnrt".indexOf(letter);
        return known < 0 ? letter : "\b\f\n\r\t".charAt(known);
    }

    private Object word() {
        int start = at;
        while (at < text.length() && ",]} \n\r\t".indexOf(text.charAt(at)) < 0) {
            at++;
        }
        String word = text.substring(start, at);
        switch (word) {
            case "null":
                return null;
            case "true":
                return Boolean.TRUE;
            case "false":
                return Boolean.FALSE;
            default:
                try {
                    return new BigDecimal(word);
                } catch (NumberFormatException error) {
                    at = start;
                    throw wrong("a value");
                }
        }
    }

    private void skipBlanks() {
        while (at < text.length() && " \n\r\t".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private char peek() {
        if (at >= text.length()) {
            throw wrong("more");
        }
        return text.charAt(at);
    }

    private char next() {
        char letter = peek();
        at++;
        return letter;
    }

    private void take(char wanted) {
        skipBlanks();
        if (next() != wanted) {
            at--;
            throw wrong("'" + wanted + "'");
        }
    }

    private boolean takeIf(char wanted) {
        skipBlanks();
        if (peek() != wanted) {
            return false;
        }
        at++;
        return true;
    }

    private IllegalArgumentException wrong(String expected) {
        return new IllegalArgumentException("JSON: expected " + expected + " at " + at);
    }
}
