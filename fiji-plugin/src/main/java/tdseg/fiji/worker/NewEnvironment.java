package tdseg.fiji.worker;

import ij.IJ;
import java.io.File;
import java.io.IOException;
import org.apposed.appose.Appose;
import org.apposed.appose.Environment;
import org.apposed.appose.builder.UvBuilder;
import tdseg.fiji.UserError;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.table.Words;

/** Makes an environment with Python and tdseg, of this plugin's version, from the internet. */
public final class NewEnvironment {
    private static final String PYTHON = "3.12";

    private NewEnvironment() {}

    /**
     * Makes the environment in the user's folder of Appose, or finds it there.
     *
     * @return its Python.
     * @throws UserError if it cannot be made.
     */
    public static File make() {
        String version = CommandTable.get().version;
        IJ.showStatus("TDS: making a Python environment...");
        try (PluginLoader loader = new PluginLoader()) {
            UvBuilder builder = Appose.uv()
                    .python(PYTHON)
                    .include("tdseg==" + version)
                    .name("tdseg-" + version)
                    .subscribeOutput(NewEnvironment::tell)
                    .subscribeError(NewEnvironment::tell)
                    .subscribeProgress((title, current, maximum) -> {
                        tell(title);
                        IJ.showProgress(maximum > 0 ? (double) current / maximum : 0);
                    });
            Environment environment = builder.build();
            File python = PythonChoice.inEnvironment(new File(environment.base()));
            if (python == null) {
                throw new IOException("no Python in " + environment.base());
            }
            return python;
        } catch (IOException | RuntimeException error) {
            throw new UserError("The Python environment could not be made (" + reason(error)
                    + "); it needs the internet (behind a proxy, set HTTPS_PROXY before Fiji is "
                    + "started), or install tdseg yourself and choose the folder.");
        } finally {
            IJ.showProgress(1.0);
            IJ.showStatus("");
        }
    }

    private static void tell(String line) {
        if (line != null && !line.trim().isEmpty()) {
            IJ.showStatus("TDS: " + Words.oneLine(line));
        }
    }

    /** Returns what the innermost exception says, which knows most. */
    private static String reason(Throwable error) {
        Throwable first = error;
        while (first.getCause() != null) {
            first = first.getCause();
        }
        String text = first.getMessage() == null ? "" : " " + first.getMessage();
        return Words.start(Words.oneLine(first.getClass().getSimpleName() + text), 200);
    }
}
