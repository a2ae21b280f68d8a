package tdseg.fiji.panel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class KeptChoiceTest {
    private final KeptChoice choice = new KeptChoice();

    @BeforeEach
    void train() {
        Map<String, String> recorded = new HashMap<>();
        recorded.put("classifier", "mean");
        recorded.put("shares", "hybrid:1,classical:2");
        recorded.put("features", "hybrid");
        recorded.put("augment", "grey");
        recorded.put("trees", "200");
        choice.keep(recorded);
    }

    @Test
    void whatAutoChoseIsKept() {
        String chosen = "augment=grey classifier=mean shares=hybrid:1,classical:2 features=hybrid";
        assertEquals(chosen, choice.in(""));
        assertEquals("trees=9 " + chosen, choice.in("trees=9 classifier=auto augment=auto"));
    }

    @Test
    void whatIsNamedStays() {
        assertEquals("classifier=random_forest augment=none",
                choice.in("classifier=random_forest augment=none"));
        choice.forget();
        assertEquals("trees=9", choice.in("trees=9"));
    }
}
