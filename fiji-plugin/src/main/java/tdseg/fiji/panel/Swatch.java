package tdseg.fiji.panel;

import java.awt.Color;
import java.awt.Component;
import java.awt.Graphics;
import javax.swing.Icon;
import tdseg.fiji.images.GroupColours;

/** A square in the colour of a class, framed so that pale colours are seen too. */
final class Swatch implements Icon {
    private static final int SIZE = 14;
    private final Color colour;

    Swatch(int group) {
        colour = new Color(GroupColours.ofLabels().getRGB(Math.min(group, 255)));
    }

    @Override
    public void paintIcon(Component component, Graphics graphics, int x, int y) {
        graphics.setColor(colour);
        graphics.fillRect(x, y, SIZE, SIZE);
        graphics.setColor(Color.DARK_GRAY);
        graphics.drawRect(x, y, SIZE - 1, SIZE - 1);
    }

    @Override
    public int getIconWidth() {
        return SIZE;
    }

    @Override
    public int getIconHeight() {
        return SIZE;
    }
}
