package tdseg.fiji;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tdseg.fiji.worker.Worker;

class WorkerTest {
    @AfterEach
    void elsewhere() {
        System.clearProperty("tdseg.in_process");
    }

    @Test
    void noWorkerIsStartedWherePythonRunsInTheProcess() {
        System.setProperty("tdseg.in_process", "true");
        UserError error = assertThrows(UserError.class, Worker::get);
        assertTrue(error.getMessage().startsWith("Python runs in this Fiji"));
    }
}
