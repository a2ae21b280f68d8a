package tdseg.fiji.images;

import ij.measure.ResultsTable;
import ij.plugin.filter.Analyzer;
import java.awt.GraphicsEnvironment;
import java.util.List;
import tdseg.fiji.table.Fields;

/** Rows of numbers and words as ImageJ's tables. */
public final class Tables {
    private static String ours = "";

    private Tables() {}

    /**
     * Shows a table in its window.
     *
     * <p>Without a display there are no table windows: then the rows become ImageJ's Results table,
     * where macros find them, unless a macro's own measurements are there.
     */
    public static void show(Fields table) {
        ResultsTable made = made(table);
        made.show(table.text("title"));
        if (GraphicsEnvironment.isHeadless()) {
            ResultsTable current = Analyzer.getResultsTable();
            if (current == null || current.size() == 0 || text(current).equals(ours)) {
                Analyzer.setResultsTable(made);
                ours = text(made);
            }
        }
    }

    static ResultsTable made(Fields table) {
        List<String> columns = table.texts("columns");
        ResultsTable made = new ResultsTable();
        for (Object row : table.list("rows")) {
            made.incrementCounter();
            for (int i = 0; i < columns.size(); i++) {
                add(made, columns.get(i), ((List<?>) row).get(i));
            }
        }
        made.setPrecision(4);
        return made;
    }

    private static void add(ResultsTable table, String column, Object value) {
        if (value instanceof Number) {
            table.addValue(column, ((Number) value).doubleValue());
        } else if (value instanceof java.util.Map) { // a number that JSON cannot hold
            table.addValue(column, Double.parseDouble(new Fields(value).text("number")));
        } else {
            table.addValue(column, value == null ? "" : value.toString());
        }
    }

    /** Returns a table's words and numbers, to tell whether it is still what it was. */
    private static String text(ResultsTable table) {
        StringBuilder found = new StringBuilder(table.getColumnHeadings());
        for (int i = 0; i < table.size(); i++) {
            found.append('\n').append(table.getRowAsString(i));
        }
        return found.toString();
    }
}
