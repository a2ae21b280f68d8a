package tdseg.fiji.worker;

import ij.Prefs;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import tdseg.fiji.UserError;

/**
 * Which Python serves this Fiji: what the file beside the plugin's jar says, then ImageJ's
 * preferences, then {@code TDSEG_PYTHON}; of these the first that is there.
 */
public final class PythonChoice {
    /** Name of the file beside the jar; its first line is the path of a Python. */
    static final String FILE = "tdseg-python.txt";

    private static final String PREFERENCE = "tdseg.python";
    private static final String VARIABLE = "TDSEG_PYTHON";

    private PythonChoice() {}

    /**
     * Returns the executable of the Python that serves.
     *
     * @throws UserError if none is chosen, or the chosen is gone.
     */
    public static File find() {
        List<String> chosen = candidates();
        for (String path : chosen) {
            if (new File(path).isFile()) {
                return new File(path);
            }
        }
        if (chosen.isEmpty()) {
            throw new UserError("No Python is set up for this Fiji; install tdseg in one and run "
                    + "'tdseg install-fiji' with the folder of this Fiji in a terminal, or set "
                    + VARIABLE + " to its path.");
        }
        throw new UserError("The Python that is set up for this Fiji is not there any more: "
                + chosen.get(0) + "; run 'tdseg install-fiji' again, from the Python that serves "
                + "now.");
    }

    /** Returns the path of the chosen one, if it is gone. */
    public static Optional<String> missing() {
        return isSetUp() ? Optional.empty() : candidates().stream().findFirst();
    }

    /** Whether there is one to start. */
    public static boolean isSetUp() {
        return candidates().stream().anyMatch(path -> new File(path).isFile());
    }

    /** Keeps a choice: beside the jar, or in the preferences where nothing can be written there. */
    public static void keep(File python) {
        String path = python.getAbsolutePath();
        Path file = besideJar();
        if (file != null) {
            try {
                Files.write(file, (path + "\n").getBytes(StandardCharsets.UTF_8));
                return;
            } catch (IOException error) {
                // A Fiji for all users of a machine: the preferences are the user's own.
            }
        }
        Prefs.set(PREFERENCE, path);
        Prefs.savePreferences();
    }

    /** Returns the executable of an environment's folder, or null. */
    public static File inEnvironment(File folder) {
        String[] names = {"bin/python", "bin/python3", "Scripts/python.exe", "python.exe"};
        for (String name : names) {
            File python = new File(folder, name);
            if (python.isFile()) {
                return python;
            }
        }
        return null;
    }

    private static List<String> candidates() {
        List<String> found = new ArrayList<>();
        found.add(firstLine(besideJar()));
        found.add(Prefs.get(PREFERENCE, ""));
        found.add(System.getenv(VARIABLE));
        found.removeIf(path -> path == null || path.trim().isEmpty());
        found.replaceAll(String::trim);
        return found;
    }

    private static String firstLine(Path file) {
        if (file == null || !Files.isRegularFile(file)) {
            return "";
        }
        try {
            List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
            return (lines.isEmpty() ? Collections.singletonList("") : lines).get(0);
        } catch (IOException error) {
            return "";
        }
    }

    private static Path besideJar() {
        CodeSource source = PythonChoice.class.getProtectionDomain().getCodeSource();
        try {
            File jar = source == null ? null : new File(source.getLocation().toURI());
            return jar == null || !jar.isFile() ? null : jar.toPath().resolveSibling(FILE);
        } catch (URISyntaxException | IllegalArgumentException error) {
            return null;
        }
    }
}
