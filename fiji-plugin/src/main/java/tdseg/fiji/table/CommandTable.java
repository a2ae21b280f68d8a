package tdseg.fiji.table;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The commands and their keys, as Python's table has them: {@code commands.json} in the jar. */
public final class CommandTable {
    /** Of the plugin, which is that of the Python package it was built with. */
    public final String version;

    /** Name of the submenu. */
    public final String menu;

    /** Keys of earlier versions that are ignored. */
    public final Map<String, Object> retired;

    /** The {@code Ext.} functions, each with the kinds of its arguments: "text" or "number". */
    public final Map<String, List<String>> extensions;

    /** Colours of label values 0 to 255: red, green, blue, by turns. */
    public final byte[] colours;

    /** The same, of which colour-blind users can tell the first eight apart. */
    public final byte[] coloursApart;

    public final List<Command> commands;

    private CommandTable(Fields table) {
        version = table.text("version");
        menu = table.text("menu");
        retired = table.map("retired");
        Map<String, List<String>> functions = new LinkedHashMap<>();
        Fields kinds = new Fields(table.map("extensions"));
        kinds.names().forEach(name -> functions.put(name, kinds.texts(name)));
        extensions = Collections.unmodifiableMap(functions);
        colours = bytes(table.text("colours"));
        coloursApart = bytes(table.text("colours_apart"));
        List<Command> found = new ArrayList<>();
        table.objects("commands").forEach(command -> found.add(new Command(command)));
        commands = Collections.unmodifiableList(found);
    }

    /** Returns the table of this jar. */
    public static CommandTable get() {
        return Holder.TABLE;
    }

    /** Returns a command by its name in the menu, or null. */
    public Command command(String name) {
        return commands.stream().filter(c -> c.name.equals(name)).findFirst().orElse(null);
    }

    private static byte[] bytes(String digits) {
        byte[] found = new byte[digits.length() / 2];
        for (int i = 0; i < found.length; i++) {
            found[i] = (byte) Integer.parseInt(digits.substring(2 * i, 2 * i + 2), 16);
        }
        return found;
    }

    private static final class Holder {
        static final CommandTable TABLE = new CommandTable(new Fields(read()));

        private static Object read() {
            try (InputStream stream = CommandTable.class.getResourceAsStream("/commands.json");
                    BufferedReader reader = new BufferedReader(
                            new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                return Json.read(reader.lines().collect(Collectors.joining("\n")));
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
