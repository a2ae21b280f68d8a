package tdseg.fiji.panel;

import ij.IJ;
import ij.plugin.PlugIn;
import java.awt.EventQueue;
import java.awt.GraphicsEnvironment;
import tdseg.fiji.Recording;

/** The menu entry of the panel: opens it, or brings it to the front. */
public final class TdsPanel implements PlugIn {
    private static PanelWindow open;

    @Override
    public void run(String argument) {
        Recording.forget(); // what is done with the panel is recorded, not that it was opened
        if (GraphicsEnvironment.isHeadless()) {
            IJ.log("TDS Panel... needs a screen; the other TDS commands work without one.");
            return;
        }
        EventQueue.invokeLater(TdsPanel::front);
    }

    private static void front() {
        if (open == null || !open.isDisplayable()) {
            open = new Panel().window;
            open.setVisible(true);
        }
        open.setState(java.awt.Frame.NORMAL);
        open.toFront();
    }
}
