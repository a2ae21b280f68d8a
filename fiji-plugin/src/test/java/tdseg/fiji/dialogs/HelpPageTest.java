package tdseg.fiji.dialogs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;

class HelpPageTest {
    @Test
    void everyKeyIsThereAndEachGroupOnce() {
        Command command = CommandTable.get().command("TDS Train...");
        String page = HelpPage.html(command);
        command.keys.forEach(key -> assertTrue(page.contains("<code>" + key.name + "</code>")));
        List<String> headings = Arrays.stream(page.split("<h3>")).skip(1)
                .map(part -> part.split("</h3>")[0]).collect(Collectors.toList());
        assertEquals(new HashSet<>(headings).size(), headings.size());
        assertTrue(headings.size() > 3);
    }
}
