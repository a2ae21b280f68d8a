package tdseg.fiji;

import ij.IJ;
import ij.plugin.PlugIn;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Words;
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
        } catch (WorkerFailure error) {
            Recording.forget();
            if (error.died) {
                Messages.stop("Python ended unexpectedly during " + name + "; images and labels are "
                        + "as they were. The next command starts it again, with the last "
                        + "classifier." + lastWords(error));
            } else {
                Messages.unexpected(name, error);
            }
        } catch (LinkageError error) {
            Recording.forget();
            Messages.stop(missing(error));
        } catch (RuntimeException | Error error) {
            if ("Macro canceled".equals(error.getMessage())) {
                throw error; // ImageJ ends macros by it
            }
            Recording.forget();
            Messages.unexpected(name, error);
        }
    }

    private static String lastWords(WorkerFailure error) {
        String[] lines = error.reason.trim().split("\n");
        String last = Words.start(Words.oneLine(lines[lines.length - 1]), 200);
        return last.isEmpty() || last.equals("<none>") ? "" : " Its last words: " + last;
    }

    private static String missing(LinkageError error) {
        String name = String.valueOf(error.getMessage());
        if (name.contains("apposed") || name.contains("groovy") || name.contains("jna")) {
            return "The jars that Trainable Deep Segmentation needs are not in this Fiji (" + name
                    + "); run 'tdseg install-fiji' again.";
        }
        return "This ImageJ (" + IJ.getVersion() + ") is too old for Trainable Deep Segmentation ("
                + name + "); update Fiji.";
    }
}
