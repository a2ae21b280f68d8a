package tdseg.fiji.dialogs;

import ij.IJ;
import java.io.File;
import javax.swing.JFileChooser;
import javax.swing.JOptionPane;
import tdseg.fiji.UserError;
import tdseg.fiji.worker.NewEnvironment;
import tdseg.fiji.worker.PythonChoice;

/** Asks which Python does the work of this Fiji, where none is known or the known one is gone. */
public final class SetupDialog {
    private static final String TITLE = "Trainable Deep Segmentation";
    private static final String FOLDER = "Choose a folder...";
    private static final String NEW = "Make a new one";
    private static final String CANCEL = "Cancel";

    private SetupDialog() {}

    /**
     * Asks until there is a Python; call it outside of the event thread.
     *
     * @return false if the user cancelled.
     * @throws UserError if a new environment could not be made.
     */
    public static boolean ask() {
        while (!PythonChoice.isSetUp()) {
            String chosen = choose();
            if (chosen.equals(NEW)) {
                PythonChoice.keep(NewEnvironment.make());
            } else if (!chosen.equals(FOLDER) || !chooseFolder()) {
                return false;
            }
        }
        return true;
    }

    private static String choose() {
        String text = "<html><body style='width: 400px; font-weight: normal'><p>"
                + Names.escaped(problem()) + "</p><p style='margin-top: 8px'><b>" + FOLDER + "</b> if you have an environment "
                + "with tdseg: the folder of a venv or conda environment.</p>"
                + "<p style='margin-top: 8px'><b>" + NEW + "</b> to let Fiji download Python, "
                + "PyTorch and tdseg, up to 3 GB, into your own folder; it takes some minutes.</p>"
                + "</body></html>";
        Object[] answers = {FOLDER, NEW, CANCEL};
        int[] answer = {-1};
        Threads.onEventThread(() -> answer[0] = JOptionPane.showOptionDialog(
                null, text, TITLE, JOptionPane.DEFAULT_OPTION,
                JOptionPane.QUESTION_MESSAGE, null, answers, FOLDER));
        return answer[0] < 0 ? CANCEL : answers[answer[0]].toString();
    }

    private static String problem() {
        return PythonChoice.missing()
                .map(path -> "The Python that does the work of this Fiji is gone: " + path)
                .orElse("This Fiji does not know yet which Python does the work.");
    }

    /** Asks for the folder of an environment; false if the user cancelled. */
    private static boolean chooseFolder() {
        File[] chosen = new File[1];
        Threads.onEventThread(() -> {
            JFileChooser chooser = new JFileChooser();
            chooser.setDialogTitle("Folder of an environment with tdseg");
            chooser.setFileSelectionMode(JFileChooser.DIRECTORIES_ONLY);
            int answer = chooser.showOpenDialog(IJ.getInstance());
            chosen[0] = answer == JFileChooser.APPROVE_OPTION ? chooser.getSelectedFile() : null;
        });
        if (chosen[0] == null) {
            return false;
        }
        File python = PythonChoice.inEnvironment(chosen[0]);
        if (python == null) {
            IJ.error(TITLE, "There is no Python in " + chosen[0] + ";\nchoose the folder of an "
                    + "environment, the one that holds 'bin' or 'Scripts'.");
        } else {
            PythonChoice.keep(python);
        }
        return true;
    }
}
