package tdseg.fiji.panel;

import ij.process.ImageProcessor;
import ij.process.LUT;
import java.awt.AlphaComposite;
import java.awt.Graphics2D;
import java.awt.Rectangle;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import tdseg.fiji.images.GroupColours;

/** The classes of a part of a plane in their colours; what has no class is transparent. */
final class ClassPicture {
    final Rectangle area;
    final BufferedImage pixels;

    /** Paints a part of a label image; takes a while, so never in the event thread. */
    ClassPicture(ImageProcessor labels, Rectangle area) {
        this.area = area;
        pixels = new BufferedImage(area.width, area.height, BufferedImage.TYPE_INT_ARGB);
        LUT lut = GroupColours.ofLabels();
        int[] colours = new int[256];
        for (int i = 1; i < colours.length; i++) {
            colours[i] = 0xff000000 | lut.getRGB(i);
        }
        int[] painted = ((DataBufferInt) pixels.getRaster().getDataBuffer()).getData();
        int width = labels.getWidth();
        for (int y = 0; y < area.height; y++) {
            for (int x = 0; x < area.width; x++) {
                int value = labels.get(area.x + x + (area.y + y) * width);
                painted[x + y * area.width] = colours[Math.min(value, 255)];
            }
        }
    }

    /** Takes out what another picture shows. */
    void cut(Rectangle other) {
        Graphics2D graphics = pixels.createGraphics();
        graphics.setComposite(AlphaComposite.Clear);
        graphics.fillRect(other.x - area.x, other.y - area.y, other.width, other.height);
        graphics.dispose();
    }
}
