package tdseg.fiji.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WordsTest {
    @Test
    void linesBreakBetweenWordsAndInLongOnes() {
        assertEquals("one two\nthree ab\ncdefghij", Words.wrapped("one  two three abcdefghij", 8));
    }

    @ParameterizedTest
    @CsvSource({"1e16,1e+16", "1000,1000.0", "0.1,0.1", "0.00001,1e-05", "1e22,1e+22",
        "-2.5,-2.5", "123456789012345680,1.2345678901234568e+17", "4.9e-324,5e-324"})
    void numbersAreWrittenAsPythonWritesThem(double value, String text) {
        assertEquals(text, PythonNumbers.repr(value));
    }

    @Test
    void jsonIsRead() {
        Map<?, ?> read = (Map<?, ?>) Json.read(
                " {\"a\" : [1, -2.5e3, true, null, {}, []], \"b\\u00b5\\n\": \"\\\"x\\\\\"} ");
        assertEquals(new BigDecimal("-2.5e3"), ((java.util.List<?>) read.get("a")).get(1));
        assertEquals("\"x\\", read.get("bµ\n"));
        assertEquals(Arrays.asList("a", "bµ\n").toString(), read.keySet().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"a", "\"\\u12"})
    void whatIsNoJsonIsRefused(String text) {
        assertThrows(IllegalArgumentException.class, () -> Json.read(text));
    }
}
