package tdseg.fiji.dialogs;

import java.awt.Dimension;
import java.awt.Window;
import javax.swing.JDialog;
import javax.swing.JEditorPane;
import javax.swing.JScrollPane;
import javax.swing.WindowConstants;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Key;

/** The page behind the button Help: a command's keys, their values and meaning. */
final class HelpPage {
    private HelpPage() {}

    static void show(Window owner, Command command) {
        JEditorPane page = new JEditorPane("text/html", html(command));
        page.setEditable(false);
        page.setCaretPosition(0);
        JScrollPane scroll = new JScrollPane(page);
        scroll.setPreferredSize(new Dimension(760, 520));
        JDialog dialog = new JDialog(owner, command.name);
        dialog.setDefaultCloseOperation(WindowConstants.DISPOSE_ON_CLOSE);
        dialog.add(scroll);
        dialog.pack();
        dialog.setLocationRelativeTo(owner);
        dialog.setVisible(true);
    }

    static String html(Command command) {
        StringBuilder page = new StringBuilder("<html><body style='font-family: sans-serif; "
                + "margin: 8px'><p>" + Names.escaped(command.help) + "</p><p>In a macro: "
                + "<code>run(\"" + Names.escaped(command.name)
                + "\", \"key=value key=[value with spaces]\");"
                + "</code></p>");
        String group = null;
        for (Key key : command.keys) {
            if (!key.group.equals(group)) {
                page.append(group == null ? "" : "</table>");
                group = key.group;
                page.append(group.isEmpty() ? "" : "<h3>" + Names.escaped(group) + "</h3>")
                        .append("<table cellpadding='3'>");
            }
            page.append(row(key));
        }
        return page.append(group == null ? "" : "</table>").append("</body></html>").toString();
    }

    private static String row(Key key) {
        String standard = key.defaultText == null || key.defaultText.isEmpty()
                ? "" : " Default: " + Names.escaped(key.defaultText) + ".";
        return "<tr><td valign='top'><code>" + key.name + "</code></td><td>"
                + Names.escaped(Names.sentence(key.help)) + "; " + Names.escaped(key.valid) + "."
                + standard + "</td></tr>";
    }
}
