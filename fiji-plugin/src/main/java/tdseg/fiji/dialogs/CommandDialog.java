package tdseg.fiji.dialogs;

import ij.IJ;
import ij.gui.GUI;
import java.awt.BorderLayout;
import java.awt.Dimension;
import java.awt.FlowLayout;
import java.awt.Font;
import java.awt.Frame;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import javax.swing.BorderFactory;
import javax.swing.JButton;
import javax.swing.JComponent;
import javax.swing.JDialog;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.JToggleButton;
import javax.swing.KeyStroke;
import javax.swing.ScrollPaneConstants;
import javax.swing.WindowConstants;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Key;

/** The dialog of a command: the keys that people touch first, the others behind Advanced. */
final class CommandDialog {
    private static final int ADVANCED_HEIGHT = 330;

    private final Command command;
    private final JDialog dialog;
    private final List<KeyField> fields = new ArrayList<>();
    private final JScrollPane advanced;
    private String options;

    private CommandDialog(Command command, Map<String, List<String>> suggestions) {
        this.command = command;
        dialog = new JDialog((Frame) IJ.getInstance(), command.name, true);
        dialog.setDefaultCloseOperation(WindowConstants.DISPOSE_ON_CLOSE);
        for (Key key : command.keys) {
            List<String> words = suggestions.getOrDefault(key.name, Collections.emptyList());
            fields.add(new KeyField(key, words.size() > 1 ? words : Collections.emptyList()));
        }
        JPanel top = FieldTable.of(fields, true);
        JPanel rest = FieldTable.of(fields, false);
        advanced = new JScrollPane(rest, ScrollPaneConstants.VERTICAL_SCROLLBAR_ALWAYS,
                ScrollPaneConstants.HORIZONTAL_SCROLLBAR_NEVER);
        advanced.getVerticalScrollBar().setUnitIncrement(16);
        advanced.setVisible(false);
        JPanel content = new JPanel(new BorderLayout(0, 8));
        content.setBorder(BorderFactory.createEmptyBorder(10, 12, 10, 12));
        JLabel heading = new JLabel(command.help);
        heading.setFont(heading.getFont().deriveFont(Font.PLAIN));
        JPanel above = new JPanel(new BorderLayout(0, 8));
        above.add(heading, BorderLayout.NORTH);
        above.add(top, BorderLayout.CENTER);
        content.add(above, BorderLayout.NORTH);
        content.add(advanced, BorderLayout.CENTER);
        content.add(buttons(rest.getComponentCount() > 0), BorderLayout.SOUTH);
        dialog.setContentPane(content);
        for (KeyField field : fields) {
            List<String> words = suggestions.get(field.key.name);
            field.setValue(words == null
                    ? Remembered.value(command, field.key) : words.get(0));
        }
        boolean badBelow = fields.stream().anyMatch(field -> !field.key.basic && !field.check());
        showAdvanced(badBelow);
    }

    /**
     * Asks the user; call it outside of the event thread.
     *
     * @param suggestions values to start with, the first shown, for keys that take any text.
     * @return the options, or null if the user cancelled.
     */
    static String ask(Command command, Map<String, List<String>> suggestions) {
        CommandDialog[] made = new CommandDialog[1];
        Threads.onEventThread(() -> {
            made[0] = new CommandDialog(command, suggestions);
            GUI.centerOnImageJScreen(made[0].dialog);
            made[0].dialog.setVisible(true); // returns when it is closed
        });
        return made[0].options;
    }

    private JComponent buttons(boolean more) {
        JToggleButton unfold = new JToggleButton("Advanced");
        unfold.addActionListener(event -> showAdvanced(unfold.isSelected()));
        JButton reset = button("Reset", () -> fields.forEach(
                field -> field.setValue(Remembered.standard(field.key))));
        reset.setToolTipText("All values as they are by default");
        JButton ok = button("OK", this::accept);
        JButton cancel = button("Cancel", dialog::dispose);
        JPanel left = new JPanel(new FlowLayout(FlowLayout.LEADING, 6, 0));
        if (more) {
            left.add(unfold);
        }
        left.add(reset);
        left.add(button("Help", () -> HelpPage.show(dialog, command)));
        JPanel right = new JPanel(new FlowLayout(FlowLayout.TRAILING, 6, 0));
        right.add(cancel);
        right.add(ok);
        JPanel both = new JPanel(new BorderLayout());
        both.add(left, BorderLayout.WEST);
        both.add(right, BorderLayout.EAST);
        dialog.getRootPane().setDefaultButton(ok);
        dialog.getRootPane().registerKeyboardAction(event -> dialog.dispose(),
                KeyStroke.getKeyStroke("ESCAPE"), JComponent.WHEN_IN_FOCUSED_WINDOW);
        return both;
    }

    private static JButton button(String name, Runnable action) {
        JButton button = new JButton(name);
        button.addActionListener(event -> action.run());
        return button;
    }

    private void showAdvanced(boolean shown) {
        advanced.setVisible(shown);
        Dimension size = advanced.getViewport().getView().getPreferredSize();
        advanced.setPreferredSize(
                new Dimension(size.width + 30, Math.min(size.height + 10, ADVANCED_HEIGHT)));
        dialog.pack();
        if (dialog.isVisible()) {
            GUI.centerOnImageJScreen(dialog); // it may have grown beyond the screen
        }
    }

    private void accept() {
        for (KeyField field : fields) {
            if (!field.check()) {
                if (!field.key.basic) {
                    showAdvanced(true);
                }
                field.focus();
                return;
            }
        }
        StringBuilder text = new StringBuilder();
        for (KeyField field : fields) {
            String value = field.value();
            Remembered.keep(command, field.key, value);
            if (!value.equals(Remembered.standard(field.key))) {
                text.append(text.length() > 0 ? " " : "").append(field.key.format(value));
            }
        }
        options = text.toString();
        dialog.dispose();
    }
}
