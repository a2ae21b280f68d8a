package tdseg.fiji.dialogs;

import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Component;
import java.awt.Font;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.swing.DefaultListCellRenderer;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JList;
import javax.swing.JPanel;
import javax.swing.JTextField;
import javax.swing.UIManager;
import javax.swing.event.DocumentEvent;
import javax.swing.event.DocumentListener;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Key;
import tdseg.fiji.table.Words;

/** The field of one key in a dialog, with its meaning beside it, or why its value is not valid. */
final class KeyField {
    /** Shown where an optional choice is left open. */
    static final String OPEN = "unchanged";

    private static final int COLUMNS = 14;
    private static final int REMARK_WIDTH = 330;
    private static final Color BAD = new Color(0xb0, 0x20, 0x20);

    final Key key;

    /** What the user sees and changes. */
    final JComponent component;

    /** Beside it. */
    final JLabel remark = new JLabel();

    private final JTextField text;
    private final JComboBox<String> choice;
    private final JCheckBox box;

    KeyField(Key key, List<String> suggestions) {
        this.key = key;
        List<String> words = words(key, suggestions);
        boolean flag = key.isFlag() && key.defaultText != null;
        box = flag ? new JCheckBox(Names.of(key)) : null;
        choice = flag || words.isEmpty() ? null : new JComboBox<>(words.toArray(new String[0]));
        text = flag || choice != null ? null : new JTextField(COLUMNS);
        if (text != null) {
            text.getDocument().addDocumentListener(new Changes());
        }
        if (choice != null) {
            choice.setRenderer(new OpenAsWord());
            choice.setEditable(!suggestions.isEmpty() || isNumber(key));
            choice.addActionListener(event -> check());
        }
        component = key.kind.equals("path") ? withBrowse() : input();
        input().setName(key.name);
        input().setToolTipText("<html>" + Names.escaped(key.name + ": " + key.help) + "<br>"
                + Names.escaped(key.valid) + "</html>");
        check();
    }

    /** The words to choose from; none: anything may be typed. */
    private static List<String> words(Key key, List<String> suggestions) {
        List<String> words = new ArrayList<>();
        if (key.defaultText == null && (key.kind.equals("choice") || key.isFlag())) {
            words.add(""); // absent
        }
        words.addAll(key.isFlag() ? Arrays.asList("true", "false") : key.choices);
        words.addAll(suggestions);
        if (isNumber(key) && !key.words.isEmpty()) {
            words.addAll(key.words);
        }
        return words;
    }

    private static boolean isNumber(Key key) {
        return key.kind.equals("int") || key.kind.equals("float");
    }

    private JComponent input() {
        return box != null ? box : choice != null ? choice : text;
    }

    private JComponent withBrowse() {
        JButton browse = new JButton("Browse...");
        browse.addActionListener(event -> {
            String path = FileChoice.ask(component, key, value());
            if (path != null) {
                setValue(path);
            }
        });
        JPanel both = new JPanel(new BorderLayout(4, 0));
        both.add(text, BorderLayout.CENTER);
        both.add(browse, BorderLayout.EAST);
        return both;
    }

    String value() {
        if (box != null) {
            return Boolean.toString(box.isSelected());
        }
        Object chosen = choice == null ? text.getText()
                : choice.isEditable() ? choice.getEditor().getItem() : choice.getSelectedItem();
        return chosen == null ? "" : Words.strip(chosen.toString());
    }

    void setValue(String value) {
        if (box != null) {
            box.setSelected(value.equals("true"));
        } else if (choice != null) {
            choice.setSelectedItem(value);
        } else {
            text.setText(value);
        }
        check();
    }

    void focus() {
        input().requestFocusInWindow();
    }

    /** Shows the meaning, or what is wrong. */
    boolean check() {
        String value = value();
        String reason = value.isEmpty() && key.defaultText == null && !key.needed
                ? "" : reason(key, value);
        boolean bad = !reason.isEmpty();
        remark.setFont(remark.getFont().deriveFont(Font.PLAIN));
        remark.setText("<html><body style='width: " + REMARK_WIDTH + "px'>"
                + Names.escaped(bad ? reason : Names.sentence(key.help)) + "</body></html>");
        remark.setForeground(bad ? BAD : UIManager.getColor("Label.foreground"));
        return !bad;
    }

    /** Says why a value is not valid; empty if it is. */
    static String reason(Key key, String value) {
        try {
            key.check(value);
            return "";
        } catch (UserError error) {
            return error.getMessage();
        }
    }

    /** Tells in a word that nothing is chosen. */
    private static final class OpenAsWord extends DefaultListCellRenderer {
        @Override
        public Component getListCellRendererComponent(
                JList<?> list, Object value, int index, boolean selected, boolean focused) {
            return super.getListCellRendererComponent(
                    list, "".equals(value) ? OPEN : value, index, selected, focused);
        }
    }

    private final class Changes implements DocumentListener {
        @Override
        public void insertUpdate(DocumentEvent event) {
            check();
        }

        @Override
        public void removeUpdate(DocumentEvent event) {
            check();
        }

        @Override
        public void changedUpdate(DocumentEvent event) {
            check();
        }
    }
}
