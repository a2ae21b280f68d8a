package tdseg.fiji.dialogs;

import java.awt.Dimension;
import java.awt.Window;
import java.awt.event.KeyEvent;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.swing.JComponent;
import javax.swing.JDialog;
import javax.swing.JEditorPane;
import javax.swing.JScrollPane;
import javax.swing.KeyStroke;
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
        dialog.getRootPane().registerKeyboardAction(event -> dialog.dispose(),
                KeyStroke.getKeyStroke(KeyEvent.VK_ESCAPE, 0),
                JComponent.WHEN_IN_FOCUSED_WINDOW);
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
        Map<String, StringBuilder> groups = new LinkedHashMap<>();
        for (Key key : command.keys) { // keys of one group may have others between them
            groups.computeIfAbsent(key.group, group -> new StringBuilder()).append(row(key));
        }
        groups.forEach((group, rows) -> page
                .append(group.isEmpty() ? "" : "<h3>" + Names.escaped(group) + "</h3>")
                .append("<table cellpadding='3'>").append(rows).append("</table>"));
        return page.append("</body></html>").toString();
    }

    private static String row(Key key) {
        String standard = key.defaultText == null || key.defaultText.isEmpty()
                ? "" : " Default: " + Names.escaped(key.defaultText) + ".";
        return "<tr><td valign='top'><code>" + key.name + "</code></td><td>"
                + Names.escaped(Names.sentence(key.help)) + "; " + Names.escaped(key.valid) + "."
                + standard + "</td></tr>";
    }
}
