package tdseg.fiji.panel;

import java.awt.GridLayout;
import java.util.List;
import java.util.function.BiConsumer;
import javax.swing.JCheckBox;
import javax.swing.JPanel;

/** The labelled open images; those with a tick train. */
final class ImageRows extends JPanel {
    private final BiConsumer<Labels, Boolean> ticked;
    private String shown = "";

    /**
     * Makes empty rows.
     *
     * @param ticked hears which image trains, or does not any more.
     */
    ImageRows(BiConsumer<Labels, Boolean> ticked) {
        super(new GridLayout(0, 1, 0, 0));
        this.ticked = ticked;
    }

    /** Shows images, and whether each is left out. */
    void show(List<Labels> images, LabelledImages all) {
        StringBuilder now = new StringBuilder();
        for (Labels labels : images) {
            now.append(labels.imp.getID()).append(text(labels)).append(all.isLeftOut(labels));
        }
        if (now.toString().equals(shown)) {
            return;
        }
        shown = now.toString();
        removeAll();
        for (Labels labels : images) {
            JCheckBox row = new JCheckBox(text(labels), !all.isLeftOut(labels));
            row.setName("train " + labels.imp.getTitle());
            row.setToolTipText("Whether the labels of this image train");
            row.addActionListener(event -> ticked.accept(labels, row.isSelected()));
            add(row);
        }
        revalidate();
        repaint();
    }

    private static String text(Labels labels) {
        int count = labels.all().size();
        return labels.imp.getTitle() + "  (" + count + (count == 1 ? " label)" : " labels)");
    }
}
