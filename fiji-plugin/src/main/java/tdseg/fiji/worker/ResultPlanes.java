package tdseg.fiji.worker;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.table.Fields;

/** The planes of a result, fetched from the worker a part at a time, in the order T, Z, C. */
public final class ResultPlanes implements AutoCloseable {
    private static final long PART = 64L << 20;

    private final Worker worker;
    private final String result;
    private final int count;
    private final int atOnce;
    private final List<Object> fetched = new ArrayList<>();
    private int first;

    /** Of an image of a reply. */
    public ResultPlanes(Worker worker, Fields image) {
        this.worker = worker;
        result = image.text("result");
        int[] shape = image.wholes("shape");
        count = shape[0] * shape[1] * shape[2];
        int size = image.text("dtype").equals("uint8") ? 1 : image.text("dtype").equals("uint16")
                ? 2 : 4;
        atOnce = (int) Math.max(1, PART / ((long) size * shape[3] * shape[4]));
    }

    /** Returns the pixels of a plane: {@code byte[]}, {@code short[]} or {@code float[]}. */
    public Object plane(int index) {
        if (index < first || index >= first + fetched.size()) {
            fetch(index);
        }
        return fetched.get(index - first);
    }

    private void fetch(int index) {
        fetched.clear();
        first = index;
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("result", result);
        inputs.put("first", index);
        inputs.put("count", Math.min(atOnce, count - index));
        SharedArray opened = new SharedArray(worker.call("fetch", inputs).object("array"));
        try (SharedArray array = opened) {
            ByteBuffer room = array.room();
            for (int i = 0; i < array.shape[0]; i++) {
                fetched.add(SharedPlanes.plane(array, i, room));
            }
        } finally {
            release(null, opened.name);
        }
    }

    /** Lets the worker forget the result. */
    @Override
    public void close() {
        release(result, null);
    }

    private void release(String forgotten, String array) {
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("result", forgotten);
        inputs.put("array", array);
        worker.call("release", inputs);
    }
}
