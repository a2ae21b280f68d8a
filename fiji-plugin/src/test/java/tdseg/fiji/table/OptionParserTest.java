package tdseg.fiji.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tdseg.fiji.UserError;

class OptionParserTest {
    private static final Command TRAIN = CommandTable.get().command("TDS Train...");

    private static Map<String, String> parse(String text) {
        return OptionParser.parse(text, TRAIN);
    }

    private static String refusal(String text) {
        return assertThrows(UserError.class, () -> parse(text)).getMessage();
    }

    @ParameterizedTest
    @ValueSource(strings = {"append", "append=true", "append=[yes]", " append=1 ", "append=ON"})
    void aFlagMayStandAloneOrHaveAValue(String text) {
        assertEquals(Collections.singletonMap("append", "true"), parse(text));
    }

    @Test
    void absentOptionsAreAllowed() {
        assertTrue(parse(null).isEmpty());
        assertTrue(parse("  ").isEmpty());
    }

    @Test
    void bracketsHoldSpacesAndBackslashesAndNest() {
        assertEquals("C:\\my data\\a[1] µ.zip",
                parse("labels_path=[C:\\my data\\a[1] µ.zip] trees=5").get("labels_path"));
    }

    @ParameterizedTest
    @CsvSource({"trees=007,trees,7", "shifts=AUTO,shifts,auto", "trees=1_000,trees,1000",
        "sigma_max=1e2,sigma_max,1e2", "features=Deep,features,deep", "flips,flips,true"})
    void valuesAreReadAsPythonReadsThem(String text, String key, String value) {
        assertEquals(value, parse(text).get(key));
    }

    @Test
    void anUnknownKeyNamesTheNearest() {
        assertTrue(refusal("sigma=2").startsWith("TDS Train... has no key 'sigma'. Did you mean "
                + "'sigma_min' or 'sigma_max' or 'images'? Valid keys: append, augment, "), refusal("sigma=2"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "trees=0|Key 'trees': '0' is not valid; use a whole number from 1 to 10000.",
        "trees=1.5|Key 'trees': '1.5' is not valid; use a whole number from 1 to 10000.",
        "trees|Key 'trees' lacks a value; use a whole number from 1 to 10000.",
        "sigma_max=1000|Key 'sigma_max': '1000.0' is not valid; use a number from 0.01 to 512.",
        "sigma_max=nan|Key 'sigma_max': 'nan' is not valid; use a number from 0.01 to 512.",
        "append=maybe|Key 'append' is true or false, not 'maybe'.",
        "trees=1 trees=2|TDS Train...: key 'trees' is given twice.",
        "labels_path=[a|Key 'labels_path': the bracket after '=' is not closed; write "
                + "labels_path=[...].",
        "=3|Options are written key=value or key=[value with spaces]; '=3' is neither.",
        "trees:3 x|Options are written key=value or key=[value with spaces]; 'trees:3' is neither.",
    })
    void whatPythonWouldRefuseIsRefusedInItsWords(String text, String sentence) {
        assertEquals(sentence, refusal(text));
    }

    @Test
    void aMistypedChoiceNamesTheNearest() {
        assertEquals("Key 'refine': 'cfr' is not valid; " + TRAIN.index().get("refine").valid
                + ". Did you mean 'crf'?", refusal("refine=CFR"));
    }

    @Test
    void whatPythonMayKnowBetterIsLeftToIt() {
        assertEquals("my_own", parse("classifier=my_own").get("classifier"));
        assertTrue(parse("exact=true").isEmpty()); // a key of earlier versions
    }
}
