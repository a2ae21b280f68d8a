package tdseg.fiji;

import ij.Macro;
import ij.macro.Interpreter;
import java.awt.GraphicsEnvironment;

/** Who calls: a user at the screen, or a macro. */
final class MacroThread {
    private MacroThread() {}

    /** Whether the command that runs now was chosen by a user at the screen. */
    static boolean isFromMenu() {
        return !GraphicsEnvironment.isHeadless()
                && Macro.getOptions() == null
                && Interpreter.getInstance() == null
                && !Thread.currentThread().getName().endsWith("Macro$");
    }
}
