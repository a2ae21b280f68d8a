package tdseg.fiji;

import ij.IJ;
import ij.ImagePlus;
import ij.Macro;
import ij.WindowManager;
import ij.gui.Overlay;
import ij.gui.Roi;
import tdseg.fiji.dialogs.Ask;
import tdseg.fiji.dialogs.SetupDialog;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.Fields;
import tdseg.fiji.table.OptionParser;
import tdseg.fiji.worker.PluginLoader;
import tdseg.fiji.worker.PythonChoice;
import tdseg.fiji.worker.StatusBar;

/** One call of a command from a menu or a macro: options, the work, the recorded line. */
final class CommandCall {
    private final Command command;

    CommandCall(Command command) {
        this.command = command;
    }

    /**
     * Runs the command.
     *
     * @return false if the user cancelled its dialog.
     */
    boolean run() {
        ImagePlus active = WindowManager.getCurrentImage();
        String options = Macro.getOptions();
        if (MacroThread.isFromMenu()) {
            if (!PythonChoice.isSetUp() && !SetupDialog.ask()) {
                return false;
            }
            String[] asked = new String[1];
            // Else the chosen path would stand in the Recorder twice.
            Recording.suspended(() -> asked[0] = Ask.options(command.name));
            if (asked[0] == null) {
                return false;
            }
            options = asked[0];
        }
        OptionParser.parse(options, command);
        if (command.needsImage && active == null) {
            throw new UserError(command.name + " works on the active image; open an image first.");
        }
        try (PluginLoader loader = new PluginLoader()) {
            call(options, active);
        }
        return true;
    }

    private void call(String options, ImagePlus active) {
        CommandWork work = new CommandWork(command, options, active, new StatusBar());
        Overlay overlay = active == null ? null : active.getOverlay();
        Roi[] labels = overlay == null ? new Roi[0] : overlay.toArray();
        Fields reply = work.run();
        Recording.suspended(work::show);
        IJ.showProgress(1.0);
        IJ.showStatus("");
        Recording.line(command.name, reply.list("values"));
        CurrentClassifier.doneBy(command.name, work.line(), active, labels);
    }
}
