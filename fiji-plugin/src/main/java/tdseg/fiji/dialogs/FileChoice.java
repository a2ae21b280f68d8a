package tdseg.fiji.dialogs;

import ij.io.OpenDialog;
import java.awt.Component;
import java.io.File;
import javax.swing.JFileChooser;
import tdseg.fiji.table.Key;

/** Asks for files. */
final class FileChoice {
    private FileChoice() {}

    /** Returns the path of a file that the user chose for a key, or null. */
    static String ask(Component parent, Key key, String before) {
        JFileChooser chooser = new JFileChooser(OpenDialog.getDefaultDirectory());
        if (!before.isEmpty()) {
            chooser.setSelectedFile(new File(before));
        }
        int answer = key.saves ? chooser.showSaveDialog(parent) : chooser.showOpenDialog(parent);
        if (answer != JFileChooser.APPROVE_OPTION) {
            return null;
        }
        File chosen = chooser.getSelectedFile();
        OpenDialog.setDefaultDirectory(chosen.getParent());
        return chosen.getPath();
    }
}
