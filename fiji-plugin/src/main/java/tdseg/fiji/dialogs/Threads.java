package tdseg.fiji.dialogs;

import java.awt.EventQueue;
import java.lang.reflect.InvocationTargetException;

/** Moves work to the event thread. */
final class Threads {
    private Threads() {}

    /** Runs an action on the event thread and waits for it. */
    static void onEventThread(Runnable action) {
        if (EventQueue.isDispatchThread()) {
            action.run();
            return;
        }
        try {
            EventQueue.invokeAndWait(action);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        } catch (InvocationTargetException error) {
            throw new IllegalStateException(error.getCause());
        }
    }
}
