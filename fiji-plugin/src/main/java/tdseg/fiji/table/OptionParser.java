package tdseg.fiji.table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import tdseg.fiji.UserError;

/**
 * The option strings of {@code run("Command", "key=value flag key=[a b]")}.
 *
 * <p>Python parses them again; what it would refuse is refused here, without waiting for it.
 */
public final class OptionParser {
    private static final String RULE =
            "Options are written key=value or key=[value with spaces]; '%s' is neither.";

    private OptionParser() {}

    /**
     * Checks an option string against the keys of a command.
     *
     * @param text the options; null or empty: every key has its default.
     * @return the values that were given, as text, by key name.
     * @throws UserError for an unknown key, a value that is not valid or missing, or a key that is
     *     given twice.
     */
    public static Map<String, String> parse(String text, Command command) {
        Map<String, Key> index = command.index();
        Map<String, String> values = new LinkedHashMap<>();
        for (Token token : tokens(text == null ? "" : text)) {
            if (!index.containsKey(token.name)
                    && CommandTable.get().retired.containsKey(token.name)) {
                continue; // Python tells why, in the Log
            }
            Key key = find(token.name, index, command);
            if (values.containsKey(key.name)) {
                throw new UserError(command.name + ": key '" + key.name + "' is given twice.");
            }
            if (token.value == null && !key.mayStandAlone()) {
                throw new UserError("Key '" + key.name + "' lacks a value; " + key.valid + ".");
            }
            values.put(key.name, token.value == null ? "true" : key.check(token.value));
        }
        return values;
    }

    private static Key find(String name, Map<String, Key> index, Command command) {
        Key key = index.get(name);
        if (key != null) {
            return key;
        }
        TreeSet<String> names = new TreeSet<>();
        command.keys.forEach(known -> names.add(known.name));
        List<String> near = CloseMatches.of(Words.start(name, 100), names, 3, 0.5);
        String hint = near.isEmpty() ? "" : " Did you mean " + near.stream()
                .map(word -> "'" + word + "'").collect(Collectors.joining(" or ")) + "?";
        String listing = names.isEmpty() ? "none" : String.join(", ", names);
        throw new UserError(command.name + " has no key " + Words.quoted(name) + "." + hint
                + " Valid keys: " + listing + ".");
    }

    /** A name with its value, null for a bare flag. */
    static final class Token {
        final String name;
        final String value;

        Token(String name, String value) {
            this.name = name;
            this.value = value;
        }
    }

    /** Splits an option string; backslashes are taken as they are, brackets may nest. */
    static List<Token> tokens(String text) {
        List<Token> found = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            if (Words.isBlank(text.charAt(at))) {
                at++;
                continue;
            }
            int end = nameEnd(text, at);
            if (end == at) {
                throw neither(Words.strip(Words.start(text.substring(at), 30)));
            }
            String name = text.substring(at, end);
            if (end == text.length() || Words.isBlank(text.charAt(end))) {
                found.add(new Token(name, null));
                at = end;
                continue;
            }
            if (text.charAt(end) != '=') {
                String rest = Words.start(text.substring(at), 30);
                throw neither(rest.substring(0, wordEnd(rest, 0)));
            }
            int start = end + 1;
            boolean bracketed = start < text.length() && text.charAt(start) == '[';
            at = bracketed ? bracketEnd(text, start, name) : wordEnd(text, start);
            found.add(new Token(name, bracketed
                    ? text.substring(start + 1, at - 1) : text.substring(start, at)));
        }
        return found;
    }

    private static UserError neither(String rest) {
        return new UserError(String.format(RULE, rest));
    }

    private static int nameEnd(String text, int start) {
        char first = text.charAt(start);
        boolean letter = first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z';
        if (!letter && first != '_') {
            return start;
        }
        int end = start + 1;
        while (end < text.length() && (Words.isWordLetter(text.codePointAt(end))
                || "_.-".indexOf(text.charAt(end)) >= 0)) {
            end += Character.charCount(text.codePointAt(end));
        }
        return end;
    }

    private static int wordEnd(String text, int start) {
        int end = start;
        while (end < text.length() && !Words.isBlank(text.charAt(end))) {
            end++;
        }
        return end;
    }

    private static int bracketEnd(String text, int start, String name) {
        int depth = 0;
        for (int end = start; end < text.length(); end++) {
            depth += text.charAt(end) == '[' ? 1 : text.charAt(end) == ']' ? -1 : 0;
            if (depth == 0) {
                return end + 1;
            }
        }
        throw new UserError("Key '" + name + "': the bracket after '=' is not closed; write "
                + name + "=[...].");
    }
}
