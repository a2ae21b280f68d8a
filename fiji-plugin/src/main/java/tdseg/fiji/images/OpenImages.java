package tdseg.fiji.images;

import ij.ImagePlus;
import ij.WindowManager;
import ij.macro.Interpreter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The open images, those of batch mode too. */
public final class OpenImages {
    private OpenImages() {}

    /** Returns them, each once. */
    public static Collection<ImagePlus> all() {
        Map<Integer, ImagePlus> found = new LinkedHashMap<>();
        int[] shown = WindowManager.getIDList();
        for (int id : shown == null ? new int[0] : shown) {
            add(found, WindowManager.getImage(id));
        }
        int[] hidden = Interpreter.getBatchModeImageIDs();
        for (int id : hidden == null ? new int[0] : hidden) {
            add(found, Interpreter.getBatchModeImage(id));
        }
        return new ArrayList<>(found.values());
    }

    private static void add(Map<Integer, ImagePlus> found, ImagePlus imp) {
        if (imp != null) {
            found.put(imp.getID(), imp);
        }
    }
}
