package tdseg.fiji.table;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import tdseg.fiji.UserError;

/** One option of a command; refuses what Python's table refuses, in the same words. */
public final class Key {
    private static final int LONGEST_TEXT = 4096;
    private static final List<String> TRUE = Arrays.asList("true", "yes", "1", "on");
    private static final List<String> FALSE = Arrays.asList("false", "no", "0", "off");

    public final String name;

    /** "choice", "int", "float", "bool", "text" or "path". */
    public final String kind;

    /** Value when the key is absent, as text; null: none. */
    public final String defaultText;

    /** One line. */
    public final String help;

    /** What is valid, in a few words. */
    public final String valid;

    /** Title of the group that dialogs show it in. */
    public final String group;

    /** Whether dialogs show it at once. */
    public final boolean basic;

    /** Whether the command cannot do without. */
    public final boolean needed;

    /** Valid words of a choice. */
    public final List<String> choices;

    /** Whether Python may know more choices than these. */
    public final boolean open;

    /** Whether values for several backbones may be joined by {@code +}. */
    private final boolean several;

    /** Words that a number may be instead. */
    public final List<String> words;

    public final String example;
    public final List<String> aliases;

    /** Whether a file is written there. */
    public final boolean saves;

    /** Ending of its file, such as ".zip"; or empty. */
    public final String ending;

    /** Whether a folder is chosen. */
    public final boolean folder;

    private final Pattern pattern;
    private final Double minimum;
    private final Double maximum;

    Key(Fields fields) {
        name = fields.text("name");
        kind = fields.text("kind");
        defaultText = fields.has("default") ? fields.text("default") : null;
        help = fields.text("help");
        valid = fields.text("valid");
        group = fields.text("group");
        basic = fields.flag("basic");
        needed = fields.flag("needed");
        choices = fields.texts("choices");
        open = fields.flag("open");
        several = fields.flag("several");
        words = fields.texts("words");
        example = fields.text("example");
        aliases = fields.texts("aliases");
        saves = fields.flag("saves");
        ending = fields.text("ending");
        folder = fields.flag("folder");
        // What Python means by them, in ranges of letters too.
        String expression = fields.text("pattern").replace("\\w", "\\p{L}\\p{N}_");
        pattern = expression.isEmpty()
                ? null : Pattern.compile(expression, Pattern.UNICODE_CHARACTER_CLASS);
        minimum = fields.numberOrNull("minimum");
        maximum = fields.numberOrNull("maximum");
    }

    public boolean isFlag() {
        return kind.equals("bool");
    }

    /** Whether the bare key means true. */
    public boolean mayStandAlone() {
        return isFlag() || choices.contains("true") && choices.contains("false");
    }

    /**
     * Checks the text of a value.
     *
     * @return the text without blanks around it.
     * @throws UserError if it is no value of this key; the sentence lists the valid ones.
     */
    public String check(String given) {
        String text = Words.strip(given);
        if (isFlag()) {
            String word = text.toLowerCase(Locale.ROOT);
            if (!TRUE.contains(word) && !FALSE.contains(word)) {
                throw new UserError(
                        "Key '" + name + "' is true or false, not " + Words.quoted(text) + ".");
            }
            return TRUE.contains(word) ? "true" : "false";
        }
        if (text.isEmpty()) {
            if ("".equals(defaultText)) {
                return text;
            }
            throw new UserError("Key '" + name + "' lacks a value; " + valid + ".");
        }
        if (several && text.indexOf('+', 1) > 0) {
            return severalValues(text);
        }
        switch (kind) {
            case "choice":
                return choice(text.toLowerCase(Locale.ROOT));
            case "int":
                return whole(text);
            case "float":
                return number(text);
            default:
                return text(text);
        }
    }

    /** Writes {@code key=value} as a macro reads it back. */
    public String format(String value) {
        return name + "=" + formatValue(value);
    }

    /** Writes a value as a macro reads it back, in brackets where it needs them. */
    public String formatValue(String value) {
        boolean free = kind.equals("text") || kind.equals("path");
        return free && Words.needsBrackets(value) ? "[" + value + "]" : value;
    }

    private String severalValues(String text) {
        List<String> values = new ArrayList<>();
        boolean lacks = false;
        for (String part : text.split("\\+", -1)) {
            boolean blank = Words.strip(part).isEmpty();
            lacks |= blank;
            values.add(blank ? "" : check(part));
        }
        if (lacks) {
            throw wrong(text, "");
        }
        return String.join("+", values);
    }

    private String choice(String word) {
        if (choices.contains(word) || open) {
            return word;
        }
        List<String> near = CloseMatches.of(Words.start(word, 100), choices, 1, 0.6);
        throw wrong(word, near.isEmpty() ? "" : " Did you mean '" + near.get(0) + "'?");
    }

    private String whole(String text) {
        if (words.contains(text.toLowerCase(Locale.ROOT))) {
            return text.toLowerCase(Locale.ROOT);
        }
        BigInteger number = PythonNumbers.whole(text);
        if (number == null) {
            throw wrong(text, "");
        }
        if (isOutside(number.doubleValue())) {
            boolean long30 = number.abs().compareTo(BigInteger.TEN.pow(30)) >= 0;
            throw long30 ? refused("a number of more than 30 digits", "")
                    : wrong(number.toString(), "");
        }
        return number.toString();
    }

    private String number(String text) {
        if (words.contains(text.toLowerCase(Locale.ROOT))) {
            return text.toLowerCase(Locale.ROOT);
        }
        Double number = PythonNumbers.number(text);
        if (number == null) {
            throw wrong(text, "");
        }
        if (isOutside(number) || number.isNaN() || number.isInfinite()) {
            throw wrong(PythonNumbers.repr(number), "");
        }
        return text;
    }

    private boolean isOutside(double number) {
        return minimum != null && number < minimum || maximum != null && number > maximum;
    }

    private String text(String text) {
        int bad = text.codePoints().filter(Words::isUnwritable).findFirst().orElse(-1);
        int length = text.codePointCount(0, text.length());
        if (bad >= 0 || length > LONGEST_TEXT) {
            String what = bad >= 0
                    ? "the character '" + Words.escape(bad) + "'" : length + " characters";
            throw new UserError(
                    "Key '" + name + "' holds " + what + ", which no macro can; remove it.");
        }
        if (!Words.isBalanced(text)) {
            throw new UserError("Key '" + name + "': the brackets of " + Words.quoted(text)
                    + " do not pair up, so no macro could read it back; use another name.");
        }
        if (pattern != null && !pattern.matcher(text).matches()) {
            throw wrong(text, "");
        }
        return text;
    }

    private UserError wrong(String value, String hint) {
        return refused(Words.quoted(value), hint);
    }

    private UserError refused(String what, String hint) {
        return new UserError(
                "Key '" + name + "': " + what + " is not valid; " + valid + "." + hint);
    }
}
