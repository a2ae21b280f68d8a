package tdseg.fiji.dialogs;

import java.awt.Dimension;
import java.awt.Font;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Insets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.swing.BorderFactory;
import javax.swing.JCheckBox;
import javax.swing.JComponent;
import javax.swing.JLabel;
import javax.swing.JPanel;

/** Fields below each other: names, values, remarks; by groups, those of no group first. */
final class FieldTable {
    private static final int FIELD_WIDTH = 190;

    private final JPanel panel = new JPanel(new GridBagLayout());
    private final int nameWidth;
    private int row;

    private FieldTable(int nameWidth) {
        this.nameWidth = nameWidth;
        panel.setBorder(BorderFactory.createEmptyBorder(4, 6, 4, 0));
    }

    /** Makes a table of the fields that are shown at once, or of the others with their groups. */
    static JPanel of(List<KeyField> fields, boolean basic) {
        int widest = fields.stream().mapToInt(
                field -> name(field).getPreferredSize().width).max().orElse(0);
        FieldTable table = new FieldTable(widest);
        Map<String, List<KeyField>> groups = new LinkedHashMap<>();
        groups.put("", new ArrayList<>());
        for (KeyField field : fields) {
            if (field.key.basic == basic) {
                groups.computeIfAbsent(basic ? "" : field.key.group, group -> new ArrayList<>())
                        .add(field);
            }
        }
        groups.forEach(table::addGroup);
        return table.panel;
    }

    private void addGroup(String title, List<KeyField> fields) {
        if (!title.isEmpty()) {
            JLabel heading = new JLabel(title);
            heading.setFont(heading.getFont().deriveFont(Font.BOLD));
            GridBagConstraints place = place(0, 3);
            place.insets = new Insets(row > 0 ? 12 : 2, 0, 2, 0);
            panel.add(heading, place);
            row++;
        }
        fields.forEach(this::addRow);
    }

    private void addRow(KeyField field) {
        JLabel name = name(field);
        name.setLabelFor(field.component);
        if (field.component instanceof JCheckBox) {
            name.setText("");
        }
        fixWidth(name, nameWidth);
        panel.add(name, place(0, 1));
        fixWidth(field.component, FIELD_WIDTH);
        GridBagConstraints middle = place(1, 1);
        middle.fill = GridBagConstraints.HORIZONTAL;
        panel.add(field.component, middle);
        GridBagConstraints right = place(2, 1);
        right.weightx = 1;
        panel.add(field.remark, right);
        row++;
    }

    private static JLabel name(KeyField field) {
        JLabel name = new JLabel(Names.of(field.key));
        name.setFont(name.getFont().deriveFont(Font.PLAIN));
        return name;
    }

    private static void fixWidth(JComponent component, int width) {
        component.setPreferredSize(new Dimension(
                Math.max(width, component.getPreferredSize().width),
                component.getPreferredSize().height));
    }

    private GridBagConstraints place(int column, int width) {
        GridBagConstraints place = new GridBagConstraints();
        place.gridx = column;
        place.gridy = row;
        place.gridwidth = width;
        place.anchor = GridBagConstraints.LINE_START;
        place.insets = new Insets(2, 0, 2, 10);
        return place;
    }
}
