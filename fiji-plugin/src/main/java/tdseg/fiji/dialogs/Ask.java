package tdseg.fiji.dialogs;

import ij.io.OpenDialog;
import ij.io.SaveDialog;
import java.io.File;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.images.GroupNames;
import tdseg.fiji.table.Command;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Key;

/** Asks the user for the options of a command that was chosen from the menu. */
public final class Ask {
    private Ask() {}

    /**
     * Asks for the options of a command.
     *
     * @param name as in the menu.
     * @return the options as a macro writes them, or null if the user cancelled.
     */
    public static String options(String name) {
        Command command = CommandTable.get().command(name);
        if (!name.endsWith("...") || command.keys.isEmpty()) {
            return "";
        }
        Key path = command.index().get("path");
        if (path != null) {
            return path.saves ? saving(command, path) : opening(command, path);
        }
        return CommandDialog.ask(command, suggestions(command));
    }

    private static String saving(Command command, Key path) {
        String what = command.name.replaceAll("TDS Save |\\.\\.\\.", "").toLowerCase();
        SaveDialog dialog = new SaveDialog(command.name, what, path.ending);
        if (dialog.getFileName() == null) {
            return null;
        }
        File file = new File(dialog.getDirectory(), dialog.getFileName());
        // The file chooser has asked.
        return path.format(file.getPath()) + (file.exists() ? " existing=overwrite" : "");
    }

    private static String opening(Command command, Key path) {
        OpenDialog dialog = new OpenDialog(command.name);
        if (dialog.getFileName() == null) {
            return null;
        }
        return path.format(new File(dialog.getDirectory(), dialog.getFileName()).getPath());
    }

    private static Map<String, List<String>> suggestions(Command command) {
        Map<String, List<String>> found = new HashMap<>();
        List<String> names = new ArrayList<>();
        GroupNames.all().values().forEach(name -> names.add(name.toString()));
        if (command.index().containsKey("class")) {
            found.put("class", names.isEmpty() ? Collections.singletonList("1") : names);
        }
        if (command.index().containsKey("classes")) {
            found.put("classes", Collections.singletonList(
                    names.isEmpty() ? "background,object" : String.join(",", names)));
        }
        return found;
    }
}
