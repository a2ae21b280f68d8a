package tdseg.fiji;

import ij.macro.ExtensionDescriptor;
import ij.macro.Functions;
import ij.macro.Interpreter;
import ij.macro.MacroExtension;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tdseg.fiji.table.CommandTable;
import tdseg.fiji.worker.PluginLoader;
import tdseg.fiji.worker.Worker;

/** The {@code Ext.TDS_...} functions of macros that have run {@code TDS Macro Extensions}. */
final class Extensions implements MacroExtension {
    /**
     * Makes the functions known to the macro that runs now.
     *
     * @throws UserError if no macro runs.
     */
    static void register() {
        if (Interpreter.getInstance() == null) {
            throw new UserError(
                    "TDS Macro Extensions works inside a macro; put it on its first line.");
        }
        Functions.registerExtensions(new Extensions());
    }

    @Override
    public String handleExtension(String name, Object[] arguments) {
        Map<String, Object> inputs = new HashMap<>();
        inputs.put("name", name);
        inputs.put("arguments", arguments == null ? Arrays.asList() : Arrays.asList(arguments));
        try (PluginLoader loader = new PluginLoader()) {
            return Worker.get().call("extension", inputs).text("value");
        } catch (RuntimeException | LinkageError error) {
            Messages.stop(Failures.sentence("Ext." + name, error));
        }
        return null;
    }

    @Override
    public ExtensionDescriptor[] getExtensionFunctions() {
        Map<String, List<String>> functions = CommandTable.get().extensions;
        return functions.entrySet().stream()
                .map(function -> ExtensionDescriptor.newDescriptor(
                        function.getKey(), this, kinds(function.getValue())))
                .toArray(ExtensionDescriptor[]::new);
    }

    private static int[] kinds(List<String> names) {
        return names.stream().mapToInt(name -> name.equals("number") ? ARG_NUMBER : ARG_STRING)
                .toArray();
    }
}
