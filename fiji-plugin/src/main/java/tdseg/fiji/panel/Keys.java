package tdseg.fiji.panel;

import ij.ImagePlus;
import java.awt.Component;
import java.awt.KeyEventDispatcher;
import java.awt.KeyboardFocusManager;
import java.awt.Window;
import java.awt.event.KeyEvent;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import javax.swing.SwingUtilities;
import javax.swing.text.JTextComponent;

/** Digits in the panel and over its image; all other keys, and other windows, are left alone. */
final class Keys implements KeyEventDispatcher {
    private final Window panel;
    private final Supplier<ImagePlus> image;
    private final IntPredicate pressed;
    private boolean swallowing;

    /**
     * Listens from now on.
     *
     * @param pressed hears the digit, and tells whether it meant anything.
     */
    Keys(Window panel, Supplier<ImagePlus> image, IntPredicate pressed) {
        this.panel = panel;
        this.image = image;
        this.pressed = pressed;
        KeyboardFocusManager.getCurrentKeyboardFocusManager().addKeyEventDispatcher(this);
    }

    void close() {
        KeyboardFocusManager.getCurrentKeyboardFocusManager().removeKeyEventDispatcher(this);
    }

    @Override
    public boolean dispatchKeyEvent(KeyEvent event) {
        if (event.getID() != KeyEvent.KEY_PRESSED) {
            return swallowing; // the letter and the release of a key that was ours
        }
        char key = event.getKeyChar();
        boolean plain = (event.getModifiersEx() & (KeyEvent.CTRL_DOWN_MASK
                | KeyEvent.ALT_DOWN_MASK | KeyEvent.META_DOWN_MASK)) == 0;
        swallowing = plain && key >= '0' && key <= '9' && isOurs(event.getComponent())
                && pressed.test(key - '0');
        return swallowing;
    }

    private boolean isOurs(Component component) {
        if (component == null || component instanceof JTextComponent) {
            return false;
        }
        Window window = component instanceof Window
                ? (Window) component : SwingUtilities.getWindowAncestor(component);
        ImagePlus imp = image.get();
        return window == panel || imp != null && window != null && window == imp.getWindow();
    }
}
