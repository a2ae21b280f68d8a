package tdseg.fiji.panel;

import ij.Prefs;
import ij.ImagePlus;
import ij.gui.Roi;
import ij.io.FileInfo;
import ij.io.RoiEncoder;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import tdseg.fiji.images.PointSlices;

/** Labels as ImageJ's RoiSet files: those kept for a crash, and those that macros load. */
final class LabelFile {
    private static final int DAYS_OF_MACROS = 365;
    private static final long MOST_OF_MACROS = 200L << 20; // bytes, of all sessions together
    private static final int DAYS_KEPT = 30; // of a session, however large all are

    private LabelFile() {}

    /** Returns where unsaved labels of an image are kept, of the k-th that looks like it. */
    static Path ofImage(ImagePlus imp, int k) {
        FileInfo info = imp.getOriginalFileInfo();
        String file = info == null || info.fileName == null ? "" : info.getFilePath();
        String which = file + "|" + imp.getTitle() + "|" + imp.getWidth() + "x" + imp.getHeight()
                + "x" + imp.getStackSize() + (k == 1 ? "" : "|" + k);
        String name = imp.getTitle().replaceAll("[^A-Za-z0-9]+", "_");
        return folder().resolve(String.format("%s-%08x.zip",
                name.substring(0, Math.min(40, name.length())), which.hashCode()));
    }

    /** Returns a folder in the user's preferences. */
    static Path folder() {
        return new File(Prefs.getPrefsDir(), "tdseg-labels").toPath();
    }

    /**
     * Removes files of macros that were used long ago, and what a crash left half written.
     *
     * <p>Sessions are kept for a year; when they are large together, the oldest for a month only.
     */
    static void forgetOld() {
        forgetOld(folder().toFile());
    }

    static void forgetOld(File folder) {
        long now = System.currentTimeMillis();
        long oldest = now - TimeUnit.DAYS.toMillis(DAYS_OF_MACROS);
        List<File> sessions = new ArrayList<>();
        for (File file : listed(folder)) {
            if (file.isDirectory() && file.getName().startsWith("session-")) {
                sessions.add(file);
            } else if (file.getName().endsWith(".part") && file.lastModified() < oldest) {
                file.delete();
            }
        }
        sessions.sort(Comparator.comparingLong(LabelFile::lastUsed).reversed());
        long size = 0;
        for (File session : sessions) { // from the newest
            size += Arrays.stream(listed(session)).mapToLong(File::length).sum();
            long latest = size > MOST_OF_MACROS
                    ? now - TimeUnit.DAYS.toMillis(DAYS_KEPT) : oldest;
            if (lastUsed(session) < latest) {
                Arrays.stream(listed(session)).forEach(File::delete);
                session.delete();
            }
        }
    }

    private static long lastUsed(File session) {
        return Arrays.stream(listed(session)).mapToLong(File::lastModified).max()
                .orElse(session.lastModified());
    }

    private static File[] listed(File folder) {
        File[] found = folder.listFiles();
        return found == null ? new File[0] : found;
    }

    /** Writes a file, whole or not at all. */
    static void write(List<Roi> labels, Path path) throws IOException {
        Files.createDirectories(path.getParent());
        Path unfinished = path.resolveSibling(path.getFileName() + ".part");
        Set<String> taken = new HashSet<>();
        try (OutputStream out = Files.newOutputStream(unfinished);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Roi label : labels) {
                String name = label.getName() == null ? "label" : label.getName();
                String entry = name.replaceAll("[/\\\\:]", "_");
                for (int i = 2; !taken.add(entry); i++) {
                    entry = name.replaceAll("[/\\\\:]", "_") + "_" + i;
                }
                zip.putNextEntry(new ZipEntry(entry + ".roi"));
                zip.write(RoiEncoder.saveAsByteArray(PointSlices.kept(label)));
                zip.closeEntry();
            }
        }
        Files.move(unfinished, path, StandardCopyOption.REPLACE_EXISTING);
    }
}
