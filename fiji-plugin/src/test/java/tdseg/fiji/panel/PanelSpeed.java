package tdseg.fiji.panel;

import ij.IJ;
import ij.ImageJ;
import ij.gui.ImageCanvas;
import ij.gui.ImageRoi;
import ij.gui.Overlay;
import ij.gui.Roi;
import java.awt.AWTEvent;
import java.awt.EventQueue;
import java.awt.Point;
import java.awt.Rectangle;
import java.awt.Toolkit;
import java.awt.event.InputEvent;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Random;

/** Times the panel for {@code benchmarks/panel.py}; prints milliseconds as {@code name: value}. */
public final class PanelSpeed extends PanelUser {
    private static final Rectangle VISIBLE = new Rectangle(256, 256, 512, 512);
    private final Random random = new Random(1);

    private PanelSpeed() throws Exception {
        super(".");
    }

    /** Takes an image of 1024 x 1024, features, a classifier and a number of strokes. */
    public static void main(String[] arguments) throws Exception {
        int status = 0;
        try {
            new PanelSpeed().time(arguments[0], arguments[1], arguments[2],
                    Integer.parseInt(arguments[3]));
        } catch (IllegalStateException error) {
            System.out.println("failed: " + error.getMessage());
            status = 1;
        }
        System.exit(status);
    }

    private void time(String file, String features, String classifier, int strokes)
            throws Exception {
        new ImageJ();
        imp = IJ.openImage(file);
        imp.show();
        imp.getWindow().setLocation(10, 110);
        IJ.doCommand("TDS Panel...");
        until("the panel", () -> panelWindow() != null);
        panel = panelWindow();
        settings(features, classifier);
        for (int i = 0; i < 6; i++) {
            stroke(i % 2 + 1);
        }
        stopped("Stop at the first training", 700);
        press("Train classifier");
        until("the overlay", () -> isTrue(new Rectangle(1024, 1024)));
        rest();
        EventQueue.invokeAndWait(() -> {
            ImageCanvas canvas = imp.getCanvas();
            canvas.setSize(VISIBLE.width, VISIBLE.height);
            canvas.setMagnification(1);
            canvas.setSourceRect(VISIBLE);
            imp.getWindow().pack();
        });
        rest();
        press("Live");
        rest();
        EventQueueWatch watch = new EventQueueWatch();
        for (int i = 0; i < strokes; i++) {
            stroke(i % 2 + 1);
            long start = System.nanoTime();
            until("pale", () -> !isTrue(VISIBLE));
            until("the visible part", () -> isTrue(VISIBLE));
            since("stroke to visible part", start);
            until("all", () -> isTrue(new Rectangle(1024, 1024)));
            since("stroke to all", start);
        }
        for (int i = 0; i < 6; i++) { // while it works, as a user does
            freehand();
            press("add " + (i % 2 + 1));
        }
        until("all", () -> isTrue(new Rectangle(1024, 1024)));
        rest();
        watch.end();
        press("Live");
        rest();
        for (int after : new int[] {150, 400, 800, 1500, 2500}) {
            stopped("Stop after " + after, after);
        }
    }

    /** A training that is stopped after some milliseconds: how long until nothing runs. */
    private void stopped(String name, int after) throws Exception {
        press("Train classifier");
        Thread.sleep(after);
        if (!named(panel, "Stop").isEnabled()) {
            return; // it was through
        }
        long start = System.nanoTime();
        press("Stop");
        until("rest", () -> !named(panel, "Stop").isEnabled());
        since(name, start);
    }

    private void stroke(int group) throws Exception {
        int x = VISIBLE.x + 20 + random.nextInt(VISIBLE.width - 100);
        int y = VISIBLE.y + 20 + random.nextInt(VISIBLE.height - 60);
        int half = group == 1 ? 0 : 512; // textures: left and right
        EventQueue.invokeAndWait(() -> imp.setRoi(new Roi((x % 400) + half + 20, y, 40, 8)));
        press("add " + group);
    }

    private void freehand() throws Exception {
        IJ.setTool("freehand");
        ImageCanvas canvas = imp.getCanvas();
        Point origin = canvas.getLocationOnScreen();
        int x = 60 + random.nextInt(300);
        int y = 60 + random.nextInt(300);
        robot.mouseMove(origin.x + x, origin.y + y);
        robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
        for (int i = 1; i < 60; i++) {
            robot.mouseMove(origin.x + x + i, origin.y + y + (int) (10 * Math.sin(i / 4.0)));
            robot.delay(10);
        }
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
        until("a selection", () -> imp.getRoi() != null && imp.getRoi().getState() == Roi.NORMAL);
    }

    /** Whether the window shows classes of all this area that are not pale. */
    private boolean isTrue(Rectangle area) {
        Overlay shown = imp.getCanvas().getShowAllList();
        return shown != null && Arrays.stream(shown.toArray()).anyMatch(roi ->
                ((ImageRoi) roi).getOpacity() > 0.3 && roi.getBounds().contains(area));
    }

    /** Times every event, by the clock and by the processor: others use the machine too. */
    private static final class EventQueueWatch extends EventQueue {
        private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        private long longest;
        private long work;
        private String what = "";
        private int late;
        private int count;

        EventQueueWatch() {
            Toolkit.getDefaultToolkit().getSystemEventQueue().push(this);
        }

        @Override
        protected void dispatchEvent(AWTEvent event) {
            long start = System.nanoTime();
            long used = threads.getCurrentThreadCpuTime();
            super.dispatchEvent(event);
            long took = (System.nanoTime() - start) / 1_000_000;
            count++;
            longest = Math.max(longest, took);
            late += took > 50 ? 1 : 0;
            used = (threads.getCurrentThreadCpuTime() - used) / 1_000_000;
            if (used > work) {
                work = used;
                what = event.getClass().getSimpleName();
            }
        }

        void end() {
            pop();
            System.out.println("event thread, longest event: " + longest);
            System.out.println("event thread, longest event by its processor time: " + work);
            System.out.println("event thread, most work at a " + what);
            System.out.println("event thread, events: " + count);
            System.out.println("event thread, events of more than 50 ms: " + late);
        }
    }

    private void settings(String features, String classifier) throws Exception {
        press("Settings");
        answer("TDS Train...", "features", features, "classifier", classifier);
    }

    private static void since(String name, long start) {
        say(name, (System.nanoTime() - start) / 1_000_000);
    }
}
