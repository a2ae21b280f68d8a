package tdseg.fiji;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Tells of commands that a menu or a macro has done: the panel shows what a classifier gives. */
public final class DoneCommands {
    private static final List<Consumer<String>> LISTENERS = new CopyOnWriteArrayList<>();

    private DoneCommands() {}

    /** Adds who hears the names of commands, in the thread that did them. */
    public static void add(Consumer<String> listener) {
        LISTENERS.add(listener);
    }

    /** Takes a listener away. */
    public static void remove(Consumer<String> listener) {
        LISTENERS.remove(listener);
    }

    static void tell(String command) {
        LISTENERS.forEach(listener -> listener.accept(command));
    }
}
