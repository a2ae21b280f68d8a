package tdseg.fiji.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ij.IJ;
import ij.ImagePlus;
import ij.process.ByteProcessor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tdseg.fiji.UserError;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.worker.CommandRun;
import tdseg.fiji.worker.Progress;

class InProcessTest {
    private final Map<Object, Object> asked = new HashMap<>();
    private final Told told = new Told();

    private static final class Told implements Progress {
        private volatile boolean stopped;

        @Override
        public void step(double fraction, String message) {}

        @Override
        public void note(String line) {}

        @Override
        public boolean isStopped() {
            return stopped;
        }
    }

    @AfterEach
    void elsewhere() {
        IJ.setProperty("tdseg.in_process", null);
    }

    private Answer status(Object... found) {
        Function<Object, Object> python = call -> {
            asked.putAll((Map<?, ?>) call);
            return Arrays.asList(found);
        };
        IJ.setProperty("tdseg.in_process", python);
        return Service.get().run(CommandTable.get().command("TDS Status"), "a=b", null, told);
    }

    @Test
    void theFunctionThatPythonLeftIsCalled() {
        ImagePlus made = new ImagePlus("made", new ByteProcessor(2, 2));
        Answer answer = status("{\"reply\": {\"extensions\": true}, \"line\": \"run();\"}", made);
        assertTrue(answer.reply().flag("extensions"));
        assertEquals("run();", answer.line());
        assertSame(made, answer.images().get(0));
        assertEquals("TDS Status", asked.get("command"));
        assertEquals("a=b", asked.get("options"));
        assertEquals(CommandTable.get().version, asked.get("version"));
    }

    @Test
    void itsSentencesReachTheUser() {
        assertEquals("Open an image first.", assertThrows(UserError.class,
                () -> status("{\"error\": \"Open an image first.\"}")).getMessage());
    }

    @Test
    void whoStopsWaitsForNoLongStep() throws InterruptedException {
        CountDownLatch step = new CountDownLatch(1);
        Function<Object, Object> python = call -> {
            told.stopped = true;
            try {
                step.await();
            } catch (InterruptedException error) {
                Thread.currentThread().interrupt();
            }
            return null;
        };
        IJ.setProperty("tdseg.in_process", python);
        assertEquals(CommandRun.CANCELLED, assertThrows(UserError.class, () -> Service.get()
                .run(CommandTable.get().command("TDS Status"), "", null, told)).getMessage());
        step.countDown();
    }

    @Test
    void elseAWorkerServes() {
        assertTrue(Service.get() instanceof WorkerService);
    }
}
