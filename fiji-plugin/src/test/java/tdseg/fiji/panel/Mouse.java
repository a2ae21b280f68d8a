package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import java.awt.EventQueue;
import java.awt.Point;
import java.awt.Robot;
import java.awt.event.InputEvent;

/** The mouse on an image. */
final class Mouse {
    private Mouse() {
    }

    /** Drags along corners, in pixels of the image: x, y, x, y, ... */
    static void drag(Robot robot, ImagePlus imp, int... corners) throws Exception {
        EventQueue.invokeAndWait(imp.getWindow()::toFront); // above the Log
        robot.waitForIdle();
        ImageCanvas canvas = imp.getCanvas();
        Point origin = canvas.getLocationOnScreen();
        for (int i = 0; i < corners.length; i += 2) {
            robot.mouseMove(origin.x + canvas.screenX(corners[i]),
                    origin.y + canvas.screenY(corners[i + 1]));
            robot.waitForIdle();
            if (i == 0) {
                robot.mousePress(InputEvent.BUTTON1_DOWN_MASK);
            }
            robot.delay(30);
        }
        robot.mouseRelease(InputEvent.BUTTON1_DOWN_MASK);
        robot.waitForIdle();
    }
}
