package tdseg.fiji.panel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelFileTest {
    @TempDir
    Path folder;

    private void session(String name, long megabytes, int... daysAgo) throws IOException {
        File session = folder.resolve("session-" + name).toFile();
        session.mkdirs();
        for (int days : daysAgo) {
            File file = new File(session, "labels-" + days + ".zip");
            try (RandomAccessFile made = new RandomAccessFile(file, "rw")) {
                made.setLength(megabytes << 20);
            }
            file.setLastModified(System.currentTimeMillis() - TimeUnit.DAYS.toMillis(days));
        }
    }

    private String left() {
        LabelFile.forgetOld(folder.toFile());
        return Arrays.stream(folder.toFile().listFiles()).map(File::getName).sorted()
                .collect(Collectors.joining(" "));
    }

    @Test
    void filesOfMacrosAreKeptForAYearAfterTheLastUse() throws IOException {
        session("new", 1, 0);
        session("old", 1, 400, 380);
        session("used", 1, 400, 300);
        new File(folder.toFile(), "cells-00000000.zip").createNewFile(); // kept for a crash
        folder.resolve("cells-00000000.zip").toFile().setLastModified(0);
        assertEquals("cells-00000000.zip session-new session-used", left());
    }

    @Test
    void ofManyMegabytesTheNewestStayAndAllOfAMonth() throws IOException {
        session("a", 90, 1);
        session("b", 90, 20);
        session("c", 90, 25);
        session("d", 90, 60);
        session("e", 1, 90);
        assertEquals("session-a session-b session-c", left());
    }
}
