package tdseg.fiji.table;

/** Text as Python's side sees it: blanks, quoting for messages, what a macro can hold. */
public final class Words {
    private Words() {}

    /** Returns a text without blanks at its ends. */
    public static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isBlank(text.charAt(start))) {
            start++;
        }
        while (end > start && isBlank(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    /** Whether Python counts a letter as white space. */
    public static boolean isBlank(int letter) {
        return Character.isWhitespace(letter) || Character.isSpaceChar(letter) || letter == 0x85;
    }

    /** Whether Python counts a letter as part of a word: letters and numbers of all scripts. */
    static boolean isWordLetter(int letter) {
        int type = Character.getType(letter);
        return Character.isLetterOrDigit(letter) || letter == '_'
                || type == Character.LETTER_NUMBER || type == Character.OTHER_NUMBER;
    }

    /** Returns the first letters of a text. */
    public static String start(String text, int letters) {
        int count = text.codePointCount(0, text.length());
        return count <= letters ? text : text.substring(0, text.offsetByCodePoints(0, letters));
    }

    /** Quotes a value for a message: shortened, unprintable letters escaped. */
    public static String quoted(String text) {
        int count = text.codePointCount(0, text.length());
        String shown = count <= 80 ? text
                : start(text, 60) + "..." + text.substring(text.offsetByCodePoints(0, count - 10));
        StringBuilder found = new StringBuilder("'");
        shown.codePoints().forEach(letter -> {
            if (isPrintable(letter)) {
                found.appendCodePoint(letter);
            } else {
                found.append(escape(letter));
            }
        });
        return found.append("'").toString();
    }

    /** Writes a letter as Python's ASCII escapes do. */
    public static String escape(int letter) {
        int known = "\t\n\r".indexOf(letter);
        if (known >= 0) {
            return "\\" + "tnr".charAt(known);
        }
        if (letter < 0x100) {
            return String.format("\\x%02x", letter);
        }
        return String.format(letter < 0x10000 ? "\\u%04x" : "\\U%08x", letter);
    }

    /** Whether a letter cannot be written into a macro: control characters, parts of letters. */
    public static boolean isUnwritable(int letter) {
        switch (Character.getType(letter)) {
            case Character.CONTROL:
            case Character.SURROGATE:
            case Character.UNASSIGNED:
            case Character.LINE_SEPARATOR:
            case Character.PARAGRAPH_SEPARATOR:
                return true;
            default:
                return false;
        }
    }

    private static boolean isPrintable(int letter) {
        int type = Character.getType(letter);
        boolean separator = type == Character.SPACE_SEPARATOR && letter != ' ';
        return !isUnwritable(letter) && !separator && type != Character.FORMAT
                && type != Character.PRIVATE_USE;
    }

    /** Whether the brackets of a text pair up. */
    public static boolean isBalanced(String text) {
        int depth = 0;
        for (char letter : text.toCharArray()) {
            depth += letter == '[' ? 1 : letter == ']' ? -1 : 0;
            if (depth < 0) {
                return false;
            }
        }
        return depth == 0;
    }

    /** Whether a macro reads a value back only if it is in brackets. */
    public static boolean needsBrackets(String text) {
        return text.isEmpty() || text.chars().anyMatch(
                letter -> isBlank(letter) || "[]=\"\\".indexOf(letter) >= 0);
    }

    /** Replaces what breaks a line or turns its direction, by the rule of {@code tdseg.errors}. */
    public static String printable(String text) {
        StringBuilder found = new StringBuilder(text.length());
        for (char letter : text.toCharArray()) {
            boolean ends = letter == 0x85 || letter == 0x2028 || letter == 0x2029;
            boolean turns = letter >= 0x202a && letter <= 0x202e
                    || letter >= 0x2066 && letter <= 0x2069;
            if (ends || letter >= '\t' && letter <= '\r'
                    || letter >= 0x1c && letter <= 0x1f) {
                found.append(' ');
            } else {
                found.append(turns || Character.isISOControl(letter) ? '?' : letter);
            }
        }
        return found.toString();
    }

    /** Joins lines and blanks to single blanks. */
    public static String oneLine(String text) {
        StringBuilder found = new StringBuilder();
        for (String word : text.split("\\s+")) {
            if (!word.isEmpty()) {
                found.append(found.length() > 0 ? " " : "").append(word);
            }
        }
        return found.toString();
    }

    /** Breaks a text into lines of at most so many letters, between words where it can. */
    public static String wrapped(String text, int width) {
        StringBuilder found = new StringBuilder();
        int used = 0;
        for (String whole : oneLine(text).split(" ")) {
            String word = whole;
            if (used > 0 && used + 1 + word.length() <= width) {
                found.append(' ').append(word);
                used += 1 + word.length();
                continue;
            }
            if (used > 0 && word.length() > width && width - used > 1) {
                found.append(' ').append(word, 0, width - used - 1);
                word = word.substring(width - used - 1);
            }
            found.append(used > 0 ? "\n" : "");
            for (; word.length() > width; word = word.substring(width)) {
                found.append(word, 0, width).append('\n');
            }
            found.append(word);
            used = word.length();
        }
        return found.toString();
    }
}
