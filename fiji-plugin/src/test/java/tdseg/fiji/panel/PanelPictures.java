package tdseg.fiji.panel;

import ij.IJ;
import ij.ImageJ;
import ij.ImagePlus;
import ij.WindowManager;
import java.awt.Component;
import java.awt.Container;
import java.awt.EventQueue;
import java.awt.Rectangle;
import java.awt.Toolkit;
import java.awt.image.BufferedImage;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.swing.AbstractButton;
import javax.swing.text.JTextComponent;

/** The quick start, done in a real window for {@code benchmarks/panel_pictures.py}. */
public final class PanelPictures extends PanelUser {
    private final List<BufferedImage> film = new ArrayList<>();
    private volatile boolean filming;
    private int number;

    private PanelPictures(String folder) throws Exception {
        super(folder);
    }

    /** Takes an image of three textures and a folder for the pictures. */
    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ENGLISH);
        int status = 0;
        try {
            new PanelPictures(arguments[1]).make(arguments[0]);
        } catch (IllegalStateException error) {
            System.out.println("failed: " + error.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private void make(String file) throws Exception {
        new ImageJ().setLocation(6, 4);
        imp = IJ.openImage(file);
        imp.show();
        imp.getWindow().setLocation(6, 110);
        IJ.doCommand("TDS Panel...");
        until("the panel", () -> panelWindow() != null);
        panel = panelWindow();
        EventQueue.invokeAndWait(() -> panel.setLocation(imp.getWindow().getX()
                + imp.getWindow().getWidth() + 6, 4));
        rest();
        press("Settings");
        answer("TDS Train...", "features", "hybrid", "backbone", "offline",
                "classifier", "random_forest", "trees", "100");
        step();
        classes();
        draw();
        train();
        correct();
        results();
    }

    private void classes() throws Exception {
        name("Rename class", "brick");
        press("choose 2");
        name("Rename class", "grass");
        name("Create new class", "gravel");
        rest();
        step();
    }

    private void name(String button, String name) throws Exception {
        EventQueue.invokeLater(((AbstractButton) named(panel, button))::doClick);
        until("the question", () -> dialog("Input") != null);
        EventQueue.invokeAndWait(() -> {
            ((JTextComponent) field(dialog("Input"))).setText(name);
        });
        EventQueue.invokeLater(((AbstractButton) named(dialog("Input"), "OK"))::doClick);
        until("the answer", () -> dialog("Input") == null);
    }

    private static Component field(Container container) {
        for (Component part : container.getComponents()) {
            if (part instanceof JTextComponent && ((JTextComponent) part).isEditable()) {
                return part;
            }
            Component found = part instanceof Container ? field((Container) part) : null;
            if (found != null) {
                return found;
            }
        }
        return null;
    }

    private void draw() throws Exception {
        IJ.setTool("freehand");
        stroke(40, 60);
        step();
        press("add 1");
        stroke(190, 180);
        press("add 2");
        stroke(330, 300);
        press("add 3");
        step();
    }

    /** A freehand area of about 40 pixels. */
    private void stroke(int x, int y) throws Exception {
        drag(x, y, x + 14, y - 5, x + 34, y - 3, x + 44, y + 6, x + 36, y + 18, x + 18, y + 22,
                x + 2, y + 14);
    }

    private void train() throws Exception {
        press("Train classifier");
        until("progress", () -> named(panel, "Stop").isEnabled());
        robot.delay(800);
        step();
        until("the overlay", () -> preview() != null);
        rest();
        step();
    }

    private void correct() throws Exception {
        press("Live");
        rest();
        startFilm();
        stroke(185, 100);
        press("add 1");
        robot.delay(600);
        rest();
        stroke(205, 320);
        press("add 2");
        robot.delay(600);
        rest();
        stroke(105, 25);
        press("add 2");
        robot.delay(600);
        rest();
        stroke(60, 285);
        press("add 3");
        robot.delay(600);
        rest();
        stroke(300, 110);
        press("add 3");
        rest();
        endFilm();
        press("Live");
        step();
    }

    private void results() throws Exception {
        press("Get uncertainty");
        ImagePlus doubt = shown("mosaic-uncertainty");
        doubt.getWindow().setLocation(6, 110);
        step();
        doubt.close();
        more("Result with legend");
        shown("mosaic-labels");
        more("Areas of classes");
        until("areas", () -> WindowManager.getWindow("TDS Class Statistics") != null);
        WindowManager.getWindow("TDS Class Statistics").setBounds(6, 545, 392, 170);
        WindowManager.getImage("mosaic-labels").getWindow().setLocation(6, 110);
        rest();
        WindowManager.getImage("mosaic-labels").getWindow().toFront();
        step();
        WindowManager.getImage("mosaic-labels").close();
        press("Copy as macro");
        rest();
        step();
    }

    private ImagePlus shown(String title) throws Exception {
        until(title, () -> WindowManager.getImage(title) != null);
        rest();
        return WindowManager.getImage(title);
    }

    /** Takes the next picture. */
    private void step() throws Exception {
        picture(String.format("start-%02d", ++number));
    }

    private void startFilm() {
        filming = true;
        Rectangle screen = new Rectangle(Toolkit.getDefaultToolkit().getScreenSize());
        Thread thread = new Thread(() -> {
            while (filming) {
                synchronized (film) {
                    film.add(robot.createScreenCapture(screen));
                }
                robot.delay(400);
            }
        }, "film");
        thread.setDaemon(true);
        thread.start();
    }

    private void endFilm() throws Exception {
        filming = false;
        synchronized (film) {
            for (int i = 0; i < film.size(); i++) {
                ImageIO.write(film.get(i), "png", new File(out, String.format("film-%03d.png", i)));
            }
        }
    }
}
