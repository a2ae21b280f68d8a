package tdseg.fiji.panel;

import java.awt.Dimension;
import java.awt.Rectangle;
import javax.swing.BoxLayout;
import javax.swing.JPanel;
import javax.swing.JScrollPane;
import javax.swing.JViewport;
import javax.swing.ScrollPaneConstants;
import javax.swing.Scrollable;

/** Parts one below the other, as wide as there is room; they scroll where it is too low. */
final class Column extends JPanel implements Scrollable {
    private static final int STEP = 24;

    Column() {
        setLayout(new BoxLayout(this, BoxLayout.Y_AXIS));
    }

    /** Returns the column with a bar for a low screen. */
    JScrollPane scrolling() {
        JScrollPane room = new JScrollPane(this, ScrollPaneConstants.VERTICAL_SCROLLBAR_AS_NEEDED,
                ScrollPaneConstants.HORIZONTAL_SCROLLBAR_NEVER);
        room.setBorder(null);
        return room;
    }

    @Override
    public Dimension getPreferredScrollableViewportSize() {
        return getPreferredSize();
    }

    @Override
    public int getScrollableUnitIncrement(Rectangle visible, int orientation, int direction) {
        return STEP;
    }

    @Override
    public int getScrollableBlockIncrement(Rectangle visible, int orientation, int direction) {
        return visible.height - STEP;
    }

    @Override
    public boolean getScrollableTracksViewportWidth() {
        return true;
    }

    @Override
    public boolean getScrollableTracksViewportHeight() {
        return getParent() instanceof JViewport
                && getParent().getHeight() > getPreferredSize().height;
    }
}
