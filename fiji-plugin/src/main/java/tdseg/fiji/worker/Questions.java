package tdseg.fiji.worker;

import ij.IJ;
import ij.ImagePlus;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import tdseg.fiji.UserError;
import tdseg.fiji.images.ImageFacts;
import tdseg.fiji.images.OpenImages;
import tdseg.fiji.images.RoiSources;
import tdseg.fiji.table.Fields;

/** What the worker may ask while it works: images, their planes and ROIs, files to open. */
public final class Questions {
    private static final int MOST_OPENED = 2;

    /** Files that were opened for the command, the last ones. */
    private final Deque<String> opened = new ArrayDeque<>();

    private final Map<String, ImagePlus> images = new LinkedHashMap<>();

    /** About the open images, and this one. */
    public Questions(ImagePlus active) {
        OpenImages.all().forEach(imp -> images.put(ImageFacts.identity(imp), imp));
        if (active != null) {
            images.put(ImageFacts.identity(active), active);
        }
    }

    /** Returns the images by identity. */
    public Map<String, ImagePlus> images() {
        return Collections.unmodifiableMap(images);
    }

    /**
     * Answers in plain data.
     *
     * @throws UserError if it cannot; the sentence is for the user.
     */
    Object answer(Fields asked) {
        switch (asked.text("what")) {
            case "image":
                return ImageFacts.details(image(asked));
            case "planes":
                fill(asked);
                return Collections.emptyMap();
            case "rois":
                return Collections.singletonMap("rois",
                        RoiSources.encoded(image(asked), asked.text("source")));
            case "open":
                return Collections.singletonMap("image", open(asked.text("path")));
            default:
                throw new UserError("This plugin does not know what tdseg asks ('"
                        + asked.text("what") + "'); update the plugin with 'tdseg install-fiji'.");
        }
    }

    private void fill(Fields asked) {
        ImagePlus imp = image(asked);
        if (!Arrays.equals(asked.wholes("shape"), ImageFacts.shape(imp))) {
            throw SharedPlanes.changed(imp);
        }
        try (SharedArray array = new SharedArray(asked.object("array"))) {
            SharedPlanes.fill(array, imp, asked.whole("first"));
        }
    }

    private ImagePlus image(Fields asked) {
        ImagePlus imp = images.get(asked.text("identity"));
        if (imp == null || imp.getProcessor() == null) { // closing takes the pixels away
            throw new UserError("The image was closed; open it again.");
        }
        return imp;
    }

    private Object open(String path) {
        ImagePlus imp = IJ.openImage(path);
        if (imp == null) {
            return null;
        }
        String identity = ImageFacts.identity(imp);
        images.put(identity, imp);
        opened.addLast(identity);
        while (opened.size() > MOST_OPENED) { // a job over a folder opens many
            images.remove(opened.removeFirst());
        }
        return ImageFacts.brief(imp);
    }
}
