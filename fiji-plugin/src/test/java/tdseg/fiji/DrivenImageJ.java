package tdseg.fiji;

import ij.IJ;
import ij.ImageJ;
import ij.WindowManager;
import ij.plugin.frame.Recorder;
import java.awt.Component;
import java.awt.Container;
import java.awt.Dialog;
import java.awt.EventQueue;
import java.awt.Label;
import java.awt.Rectangle;
import java.awt.Robot;
import java.awt.Toolkit;
import java.awt.Window;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import javax.swing.AbstractButton;
import javax.swing.JCheckBox;
import javax.swing.JComboBox;
import javax.swing.JFileChooser;
import javax.swing.JLabel;
import javax.swing.text.JTextComponent;

/** An ImageJ with windows that does what lines on standard input say, as a user would. */
public final class DrivenImageJ {
    private static final long PATIENCE = 120_000;

    private DrivenImageJ() {}

    /** Does what a verb says, and tells what there is to tell. */
    public interface Verbs {
        String obey(String verb, String argument) throws Exception;
    }

    /** Opens ImageJ and serves. */
    public static void main(String[] arguments) throws Exception {
        serve(DrivenImageJ::obey);
    }

    /** Reads lines {@code verb argument}; answers each with lines, the last of them "ok". */
    public static void serve(Verbs verbs) throws Exception {
        new ImageJ();
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ", 2);
            try {
                String answer = verbs.obey(words[0], words.length > 1 ? words[1] : "");
                if (!answer.isEmpty()) {
                    System.out.println(answer);
                }
                System.out.println("ok");
            } catch (RuntimeException error) {
                System.out.println("failed: " + error.getMessage());
            }
        }
        System.exit(0);
    }

    /** What every test of a real ImageJ may ask. */
    public static String obey(String verb, String argument) throws Exception {
        switch (verb) {
            case "macro":
                String text = new String(
                        Files.readAllBytes(Paths.get(argument)), StandardCharsets.UTF_8);
                return String.valueOf(IJ.runMacro(text));
            case "choose": // from the menu
                IJ.doCommand(argument);
                return "";
            case "dialog": // wait for it, and tell what it says
                Dialog dialog = until(() -> dialog(argument), "no dialog " + argument);
                StringBuilder said = new StringBuilder();
                texts(dialog, said);
                return said.toString().trim();
            case "type": // into the only field
                JTextComponent field = until(DrivenImageJ::text, "no field");
                EventQueue.invokeAndWait(() -> field.setText(argument));
                return "";
            case "pick": // from the only list
                JComboBox<?> choices = until(DrivenImageJ::choices, "no choice");
                EventQueue.invokeAndWait(() -> choices.setSelectedItem(argument));
                return "";
            case "set":
                String[] pair = argument.split("=", 2);
                Dialog form = until(DrivenImageJ::top, "no dialog");
                EventQueue.invokeAndWait(() -> set(named(form, pair[0]), pair[1]));
                return "";
            case "value":
                return value(named(until(DrivenImageJ::top, "no dialog"), argument));
            case "press":
                AbstractButton button = until(() -> button(top(), argument), "no " + argument);
                EventQueue.invokeLater(button::doClick);
                EventQueue.invokeAndWait(() -> { }); // it has been pressed
                return "";
            case "file": // of the file chooser that is open
                JFileChooser chooser = until(DrivenImageJ::chooser, "no file chooser");
                EventQueue.invokeLater(() -> {
                    chooser.setSelectedFile(new File(argument));
                    chooser.approveSelection();
                });
                EventQueue.invokeAndWait(() -> { });
                return "";
            case "close":
                EventQueue.invokeAndWait(until(DrivenImageJ::top, "no dialog")::dispose);
                return "";
            case "escape":
                IJ.setKeyDown(java.awt.event.KeyEvent.VK_ESCAPE);
                return "";
            case "ended": // wait until a command has
                until(() -> isRunning(argument) ? null : "", argument + " still runs");
                return "";
            case "running":
                until(() -> isRunning(argument) ? "" : null, argument + " does not run");
                return "";
            case "progress": // wait until the worker tells how far it is
                until(() -> status().contains("TDS: ") ? "" : null, "no progress");
                return "";
            case "recorded":
                return Recorder.getInstance() == null ? "" : Recorder.getInstance().getText();
            case "log":
                return String.valueOf(IJ.getLog());
            case "title":
                return WindowManager.getCurrentImage().getTitle();
            case "picture":
                Thread.sleep(500);
                Rectangle screen = new Rectangle(Toolkit.getDefaultToolkit().getScreenSize());
                ImageIO.write(new Robot().createScreenCapture(screen), "png", new File(argument));
                return "";
            default:
                throw new IllegalStateException("unknown: " + verb);
        }
    }

    /** Waits until something is there. */
    public static <T> T until(Callable<T> found, String otherwise) throws Exception {
        long end = System.currentTimeMillis() + PATIENCE;
        while (System.currentTimeMillis() < end) {
            T value = found.call();
            if (value != null) {
                return value;
            }
            Thread.sleep(50);
        }
        throw new IllegalStateException(otherwise);
    }

    private static boolean isRunning(String command) {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals(command));
    }

    private static Dialog top() {
        Dialog last = null;
        for (Window window : Window.getWindows()) {
            if (window instanceof Dialog && window.isShowing()) {
                last = (Dialog) window;
            }
        }
        return waits() ? last : null;
    }

    /**
     * Whether those who asked by modal dialogs wait for their answers. A dialog is on the screen a
     * moment before: one that is closed then, which no user can, never lets go of who asked.
     */
    public static boolean waits() {
        long asking = Arrays.stream(Window.getWindows())
                .filter(w -> w instanceof Dialog && ((Dialog) w).isModal() && w.isShowing())
                .count();
        long waiting = Thread.getAllStackTraces().values().stream().flatMap(Arrays::stream)
                .filter(frame -> frame.getClassName().equals("java.awt.WaitDispatchSupport")
                        && frame.getMethodName().equals("enter"))
                .count();
        return waiting >= asking;
    }

    private static Dialog dialog(String title) {
        Dialog dialog = top();
        return dialog != null && title.equals(dialog.getTitle()) ? dialog : null;
    }

    /** Returns all parts of a window. */
    public static List<Component> all(Container container) {
        List<Component> found = new ArrayList<>();
        for (Component component : container.getComponents()) {
            found.add(component);
            if (component instanceof Container) {
                found.addAll(all((Container) component));
            }
        }
        return found;
    }

    private static Component named(Container container, String name) {
        return all(container).stream().filter(c -> name.equals(c.getName())).findFirst()
                .orElseThrow(() -> new IllegalStateException("no field " + name));
    }

    private static AbstractButton button(Container container, String text) {
        return container == null ? null : (AbstractButton) all(container).stream()
                .filter(c -> c instanceof AbstractButton
                        && text.equals(((AbstractButton) c).getText()))
                .findFirst().orElse(null);
    }

    private static JTextComponent text() {
        Dialog top = top();
        return top == null ? null : (JTextComponent) all(top).stream()
                .filter(c -> c instanceof JTextComponent).findFirst().orElse(null);
    }

    private static JComboBox<?> choices() {
        Dialog top = top();
        return top == null ? null : (JComboBox<?>) all(top).stream()
                .filter(c -> c instanceof JComboBox).findFirst().orElse(null);
    }

    private static String status() throws Exception {
        StringBuilder found = new StringBuilder();
        texts(IJ.getInstance().getStatusBar(), found);
        return found.toString();
    }

    private static String value(Component field) {
        return field instanceof JTextComponent ? ((JTextComponent) field).getText()
                : field instanceof JCheckBox ? Boolean.toString(((JCheckBox) field).isSelected())
                : String.valueOf(((JComboBox<?>) field).getSelectedItem());
    }

    private static JFileChooser chooser() {
        Dialog top = top();
        return top == null ? null : (JFileChooser) all(top).stream()
                .filter(c -> c instanceof JFileChooser).findFirst().orElse(null);
    }

    private static void set(Component field, String value) {
        if (field instanceof JTextComponent) {
            ((JTextComponent) field).setText(value);
        } else if (field instanceof JCheckBox) {
            ((JCheckBox) field).setSelected(value.equals("true"));
        } else {
            ((JComboBox<?>) field).setSelectedItem(value);
        }
    }

    private static void texts(Container container, StringBuilder found) throws Exception {
        for (Component component : all(container)) {
            if (component instanceof Label) {
                found.append(((Label) component).getText()).append('\n');
            } else if (component instanceof JLabel) {
                String text = ((JLabel) component).getText();
                found.append(text == null ? "" : text.replaceAll("<[^>]*>", "")).append('\n');
            } else if (component instanceof ij.gui.MultiLineLabel) {
                java.lang.reflect.Field lines =
                        component.getClass().getDeclaredField("lines");
                lines.setAccessible(true);
                found.append(String.join("\n", (String[]) lines.get(component))).append('\n');
            }
        }
    }
}
