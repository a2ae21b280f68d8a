package tdseg.fiji.worker;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import org.apposed.appose.SharedMemory;
import tdseg.fiji.UserError;
import tdseg.fiji.table.Fields;

/**
 * An array in shared memory that the worker made and will remove.
 *
 * <p>On Linux it is a file, which is read and written as one: Appose would leave a file descriptor
 * behind at each, and a write to memory that cannot be had would end the whole of Java.
 */
final class SharedArray implements AutoCloseable {
    private static final File LINUX_FOLDER = new File("/dev/shm");

    final String name;
    final String type;
    final int[] shape;

    private final RandomAccessFile file;
    private final SharedMemory memory;

    /** Opens the array that the worker describes. */
    SharedArray(Fields description) {
        name = description.text("name");
        type = description.text("dtype");
        shape = description.wholes("shape");
        File place = new File(LINUX_FOLDER, name);
        try {
            if (LINUX_FOLDER.isDirectory() && !place.isFile()) { // to open it would make it
                throw new UserError("The pixels are not wanted any more.");
            }
            file = place.isFile() ? new RandomAccessFile(place, "rw") : null;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        memory = file == null ? SharedMemory.attach(name, (long) description.number("rsize")) : null;
    }

    /** Bytes of one plane, the first dimension being that of planes. */
    int planeBytes() {
        int bytes = type.equals("uint8") ? 1 : type.equals("uint16") ? 2 : 4;
        for (int i = 1; i < shape.length; i++) {
            bytes *= shape[i];
        }
        return bytes;
    }

    /** Returns room for a plane, in the order of bytes that the array has. */
    ByteBuffer room() {
        return ByteBuffer.allocateDirect(planeBytes()).order(ByteOrder.nativeOrder());
    }

    /** Copies a plane out of the array. */
    void read(int plane, ByteBuffer room) {
        room.clear();
        if (memory != null) {
            room.put(memory.buf((long) plane * planeBytes(), planeBytes()));
        } else {
            through(channel -> channel.read(room), plane, room);
        }
        room.clear();
    }

    /** Copies a plane into the array. */
    void write(int plane, ByteBuffer room) {
        room.clear();
        if (memory != null) {
            memory.buf((long) plane * planeBytes(), planeBytes()).put(room);
        } else {
            through(channel -> channel.write(room), plane, room);
        }
        room.clear();
    }

    private interface Step {
        int move(FileChannel channel) throws IOException;
    }

    private void through(Step step, int plane, ByteBuffer room) {
        try {
            FileChannel channel = file.getChannel().position((long) plane * planeBytes());
            while (room.hasRemaining()) {
                if (step.move(channel) < 0) {
                    throw new IOException("shared memory '" + name + "' is too short");
                }
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.unlinkOnClose(false);
            memory.close();
            return;
        }
        try {
            file.close();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }
}
