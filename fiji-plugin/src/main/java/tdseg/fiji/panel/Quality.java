package tdseg.fiji.panel;

import java.util.List;
import tdseg.fiji.table.Fields;

/** The held-out quality of a training in one line. */
final class Quality {
    private Quality() {}

    /** Returns the line for a table of a row per class, or "" for another table. */
    static String line(Fields table) {
        List<String> columns = table.texts("columns");
        int name = columns.indexOf("Class");
        int figure = columns.indexOf("F1");
        if (name < 0 || figure < 0) {
            return "";
        }
        double sum = 0;
        int count = 0;
        double least = 2;
        String weakest = "";
        for (Object item : table.list("rows")) {
            Object value = ((List<?>) item).get(figure);
            if (!(value instanceof Number)) {
                continue; // not to be told for this class
            }
            double f1 = ((Number) value).doubleValue();
            sum += f1;
            count++;
            if (f1 < least) {
                least = f1;
                weakest = String.valueOf(((List<?>) item).get(name));
            }
        }
        return count == 0 ? "Held-out F1: not enough labels"
                : String.format("Held-out F1 %.2f, weakest: %s %.2f", sum / count, weakest, least);
    }
}
