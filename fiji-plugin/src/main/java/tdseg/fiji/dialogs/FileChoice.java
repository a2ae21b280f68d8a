package tdseg.fiji.dialogs;

import ij.io.OpenDialog;
import java.awt.Component;
import java.io.File;
import javax.swing.JFileChooser;
import tdseg.fiji.table.Key;

/** Asks for files and folders. */
final class FileChoice {
    private FileChoice() {}

    /** Returns the path of a file or folder that the user chose for a key, or null. */
    static String ask(Component parent, Key key, String before) {
        JFileChooser chooser = new JFileChooser(OpenDialog.getDefaultDirectory());
        if (key.folder) {
            // A single image may be chosen too.
            chooser.setFileSelectionMode(JFileChooser.FILES_AND_DIRECTORIES);
        }
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
