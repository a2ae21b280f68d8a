package tdseg.fiji;

import ij.plugin.PlugIn;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.worker.WorkerFailure;

/** All entries of the menu; the argument is the name of the command. */
public final class TdsCommand implements PlugIn {
    @Override
    public void run(String name) {
        Command command = CommandTable.get().command(name);
        try {
            if (command == null) {
                throw new UserError("This plugin knows no command '" + name + "'.");
            }
            if (!new CommandCall(command).run()) {
                Recording.forget();
            }
        } catch (UserError error) {
            Recording.forget();
            Messages.stop(error.getMessage());
        } catch (WorkerFailure | LinkageError error) {
            Recording.forget();
            Messages.stop(Failures.sentence(name, error));
        } catch (RuntimeException | Error error) {
            if ("Macro canceled".equals(error.getMessage())) {
                throw error; // ImageJ ends macros by it
            }
            Recording.forget();
            Messages.stop(Failures.sentence(name, error));
        }
    }
}
