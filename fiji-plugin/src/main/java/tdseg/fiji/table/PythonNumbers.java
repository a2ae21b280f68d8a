package tdseg.fiji.table;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Pattern;

/** Numbers as Python reads and writes them. */
public final class PythonNumbers {
    private static final String DIGITS = "[0-9](?:_?[0-9])*";
    private static final Pattern WHOLE = Pattern.compile("[+-]?" + DIGITS);
    private static final Pattern NUMBER = Pattern.compile("[+-]?(?:" + DIGITS + "\\.?(?:" + DIGITS
            + ")?|\\." + DIGITS + ")(?:[eE][+-]?" + DIGITS + ")?");
    private static final Pattern SPECIAL =
            Pattern.compile("([+-]?)(inf|infinity|nan)", Pattern.CASE_INSENSITIVE);

    private PythonNumbers() {}

    /** Reads a whole number; null where Python would refuse it. */
    public static BigInteger whole(String text) {
        String plain = latinDigits(text);
        return WHOLE.matcher(plain).matches() ? new BigInteger(clean(plain)) : null;
    }

    /** Reads a number, {@code inf} and {@code nan} too; null where Python would refuse it. */
    public static Double number(String text) {
        String plain = latinDigits(text);
        if (SPECIAL.matcher(plain).matches()) {
            String word = plain.toLowerCase(Locale.ROOT);
            return word.endsWith("nan") ? Double.NaN
                    : word.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        return NUMBER.matcher(plain).matches() ? Double.valueOf(clean(plain)) : null;
    }

    /** Writes a number as Python's {@code repr}. */
    public static String repr(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal exact = new BigDecimal(Math.abs(value));
        BigDecimal brief = exact;
        for (int digits = 1; digits <= 17; digits++) {
            brief = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (brief.doubleValue() == Math.abs(value)) {
                break;
            }
        }
        return (value < 0 ? "-" : "") + written(brief.stripTrailingZeros());
    }

    private static String written(BigDecimal number) {
        int exponent = number.precision() - number.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            String plain = number.toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = number.unscaledValue().toString();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        String sign = exponent < 0 ? "-" : "+";
        return digits.charAt(0) + fraction + "e" + sign
                + String.format("%02d", Math.abs(exponent));
    }

    private static String clean(String text) {
        String plain = text.replace("_", "");
        return plain.startsWith("+") ? plain.substring(1) : plain;
    }

    /** Python takes the digits of all scripts. */
    private static String latinDigits(String text) {
        StringBuilder found = new StringBuilder();
        text.codePoints().forEach(letter -> {
            if (Character.isDigit(letter)) {
                found.append(Character.digit(letter, 10));
            } else {
                found.appendCodePoint(letter);
            }
        });
        return found.toString();
    }
}
