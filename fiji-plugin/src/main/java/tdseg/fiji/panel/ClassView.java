package tdseg.fiji.panel;

import ij.ImagePlus;
import ij.gui.ImageCanvas;
import ij.process.ImageProcessor;
import java.awt.Rectangle;
import tdseg.fiji.CommandWork;
import tdseg.fiji.table.Fields;

/**
 * Asks for the classes of the plane that is shown: first of the part that the window shows, then of
 * all. Where the window is moved meanwhile, its part comes first again.
 */
final class ClassView {
    private static final int MARGIN = 8; // pixels around the part, so that a nudge shows no edge
    private static final double MOST = 0.6; // of the plane: beyond, all takes little longer
    private final Commands commands;
    private final Preview preview;
    private Rectangle before = new Rectangle();
    private boolean completing;

    ClassView(Commands commands, Preview preview) {
        this.commands = commands;
        this.preview = preview;
    }

    /** Ends the work on all when it is no longer all of what the window shows. */
    void follow(ImagePlus imp) {
        Rectangle now = visible(imp);
        boolean atRest = now.equals(before);
        before = now;
        if (completing && atRest && !commands.work.isIdle() && !preview.covers(imp, now)) {
            completing = false;
            commands.work.stopBackground();
        }
    }

    /** Starts what is missing. */
    void complete(Labels labels, int classifier, String purpose) {
        ImagePlus imp = labels.imp;
        Rectangle all = new Rectangle(imp.getWidth(), imp.getHeight());
        if (preview.covers(imp, all)) {
            return;
        }
        Rectangle part = visible(imp);
        boolean isLarge = (double) part.width * part.height > MOST * all.width * all.height;
        completing = !isLarge && preview.covers(imp, part);
        ask(labels, isLarge || completing ? all : part, classifier, purpose);
    }

    private static Rectangle visible(ImagePlus imp) {
        ImageCanvas canvas = imp.getCanvas();
        Rectangle all = new Rectangle(imp.getWidth(), imp.getHeight());
        if (canvas == null) {
            return all;
        }
        Rectangle part = new Rectangle(canvas.getSrcRect());
        part.grow(MARGIN, MARGIN);
        return part.intersection(all);
    }

    private void ask(Labels labels, Rectangle area, int classifier, String purpose) {
        ImagePlus imp = labels.imp;
        String plane = ShownPlane.describe(imp);
        int wanted = (imp.getT() - 1) * imp.getNSlices() + imp.getZ() - 1;
        boolean isAll = area.width == imp.getWidth() && area.height == imp.getHeight();
        String options = "output=labels first_label=1 slices=current" + (isAll ? ""
                : " rectangle=" + area.x + "," + area.y + "," + area.width + "," + area.height);
        Job job = commands.job("TDS Apply...", options, labels, true);
        job.purpose = purpose;
        ClassPicture[] found = new ClassPicture[1];
        job.fetch = (work, reply) -> found[0] = picture(work, reply, wanted, area);
        job.ending = (work, reply) -> {
            if (found[0] != null && imp.getWindow() != null
                    && plane.equals(ShownPlane.describe(imp))) {
                preview.show(imp, plane, found[0], classifier);
            }
        };
        commands.work.add(job);
    }

    /** Returns null where the image was scrolled before Python was asked. */
    private static ClassPicture picture(CommandWork work, Fields reply, int wanted,
            Rectangle area) {
        int[] planes = reply.objects("images").get(0).wholes("planes");
        ImageProcessor labels = work.images().get(0).getProcessor();
        return planes[0] == wanted ? new ClassPicture(labels, area) : null;
    }
}
