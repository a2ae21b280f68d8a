package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.Roi;
import java.awt.Component;
import java.util.List;
import java.util.function.Consumer;
import javax.swing.DefaultListCellRenderer;
import javax.swing.DefaultListModel;
import javax.swing.JLabel;
import javax.swing.JList;

/** The labels that are drawn; a click shows one in the image. */
final class RegionList extends JList<Roi> {
    private final DefaultListModel<Roi> rows = new DefaultListModel<>();
    private ImagePlus imp;
    private boolean changing;

    /**
     * Makes an empty list.
     *
     * @param picked hears which label was chosen by the user.
     */
    RegionList(Consumer<Roi> picked) {
        setModel(rows);
        setName("regions");
        setVisibleRowCount(7);
        setCellRenderer(new Renderer());
        setPrototypeCellValue(null);
        addListSelectionListener(event -> {
            if (!changing && !event.getValueIsAdjusting() && getSelectedValuesList().size() == 1) {
                picked.accept(getSelectedValue());
            }
        });
    }

    void show(ImagePlus image, List<Roi> labels) {
        imp = image;
        changing = true;
        List<Roi> selected = getSelectedValuesList();
        rows.clear();
        labels.forEach(rows::addElement);
        for (int i = 0; i < labels.size(); i++) {
            Roi label = labels.get(i);
            if (selected.stream().anyMatch(roi -> roi == label)) {
                addSelectionInterval(i, i);
            }
        }
        changing = false;
    }

    private final class Renderer extends DefaultListCellRenderer {
        @Override
        public Component getListCellRendererComponent(
                JList<?> list, Object value, int index, boolean selected, boolean focused) {
            Roi roi = (Roi) value;
            JLabel row = (JLabel) super.getListCellRendererComponent(
                    list, roi.getName(), index, selected, focused);
            row.setText(roi.getName() + where(roi));
            row.setIcon(new Swatch(roi.getGroup()));
            return row;
        }

        private String where(Roi roi) {
            if (imp == null || imp.getStackSize() == 1) {
                return "";
            }
            if (roi.hasHyperStackPosition()) {
                return "  (z " + roi.getZPosition() + ", t " + roi.getTPosition() + ")";
            }
            return roi.getPosition() == 0 ? "  (no slice)" : "  (slice " + roi.getPosition() + ")";
        }
    }
}
