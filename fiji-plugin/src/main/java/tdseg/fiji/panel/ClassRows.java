package tdseg.fiji.panel;

import java.awt.EventQueue;
import java.awt.GridBagConstraints;
import java.awt.GridBagLayout;
import java.awt.Insets;
import java.util.List;
import java.util.function.IntConsumer;
import javax.swing.ButtonGroup;
import javax.swing.JButton;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JRadioButton;

/** A row for each class: its key and colour, "Add to ...", how much is drawn. */
final class ClassRows extends JPanel {
    private final IntConsumer choose;
    private final IntConsumer add;
    private int chosen = 1;
    private String shown = "";

    /**
     * Makes empty rows.
     *
     * @param choose hears which class was chosen.
     * @param add hears which class the selection shall go to.
     */
    ClassRows(IntConsumer choose, IntConsumer add) {
        super(new GridBagLayout());
        this.choose = choose;
        this.add = add;
    }

    int chosen() {
        return chosen;
    }

    void setChosen(int group) {
        chosen = group;
        shown = ""; // drawn anew
    }

    /** Shows classes with the number of their ROIs and pixels. */
    void show(List<String> names, int[] rois, long[] pixels) {
        StringBuilder now = new StringBuilder().append(chosen);
        for (int i = 0; i < names.size(); i++) {
            now.append('|').append(names.get(i)).append(rois[i]).append('/').append(pixels[i]);
        }
        if (now.toString().equals(shown)) {
            return;
        }
        shown = now.toString();
        removeAll();
        ButtonGroup group = new ButtonGroup();
        for (int i = 0; i < names.size(); i++) {
            row(i + 1, names.get(i), rois[i], pixels[i], group);
        }
        GridBagConstraints filler = new GridBagConstraints();
        filler.gridy = names.size();
        filler.weighty = 1;
        add(new JPanel(), filler);
        revalidate();
        repaint();
    }

    private void row(int number, String name, int rois, long pixels, ButtonGroup group) {
        GridBagConstraints place = new GridBagConstraints();
        place.gridy = number - 1;
        place.insets = new Insets(1, 2, 1, 4);
        place.anchor = GridBagConstraints.LINE_START;
        JRadioButton choice = new JRadioButton(number < 10 ? Integer.toString(number) : "");
        choice.setToolTipText("Choose this class" + (number < 10 ? ": key " + number : ""));
        choice.setSelected(number == chosen);
        choice.addActionListener(event -> choose.accept(number));
        choice.setName("choose " + number);
        group.add(choice);
        add(choice, place);
        if (number == chosen) {
            EventQueue.invokeLater(() -> scrollRectToVisible(choice.getBounds()));
        }
        add(new JLabel(new Swatch(number)), place);
        JButton button = new JButton("Add to " + shortened(name));
        button.setName("add " + number);
        button.setToolTipText("Make the selection a label of '" + name + "'");
        button.addActionListener(event -> add.accept(number));
        place.fill = GridBagConstraints.HORIZONTAL;
        place.weightx = 1;
        add(button, place);
        place.weightx = 0;
        place.fill = GridBagConstraints.NONE;
        place.anchor = GridBagConstraints.LINE_END;
        add(new JLabel(rois == 0 ? "no ROI" : rois + (rois == 1 ? " ROI, " : " ROIs, ")
                + String.format("%,d px", pixels)), place);
    }

    private static String shortened(String name) {
        return name.length() <= 22 ? name : name.substring(0, 20) + "\u2026";
    }
}
