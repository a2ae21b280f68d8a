package tdseg.fiji.panel;

import ij.gui.GUI;
import java.awt.BorderLayout;
import java.awt.Color;
import java.awt.Component;
import java.awt.Dimension;
import java.awt.FlowLayout;
import java.awt.Font;
import java.awt.GridLayout;
import java.awt.Insets;
import java.awt.Rectangle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.swing.AbstractButton;
import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.BoxLayout;
import javax.swing.JButton;
import javax.swing.JFrame;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JProgressBar;
import javax.swing.JScrollPane;
import javax.swing.JSlider;
import javax.swing.JTextArea;
import javax.swing.JToggleButton;
import javax.swing.ScrollPaneConstants;
import javax.swing.WindowConstants;

/** What the panel looks like; {@link Panel} knows what its parts do. */
final class PanelWindow extends JFrame {
    static final String TITLE = "Trainable Deep Segmentation";
    private static final Color WRONG = new Color(0xb00020);
    private static final Insets LOW = new Insets(0, 6, 0, 6); // fits a screen of 768 pixels

    final ClassRows classes;
    final RegionList regions;
    private final ImageRows images;
    private final JScrollPane imageList = new JScrollPane();
    final JToggleButton live = new JToggleButton("Live");
    final JToggleButton overlay = new JToggleButton("Toggle overlay");
    final JSlider opacity = new JSlider(5, 100, 40);
    private final JLabel image = new JLabel(" ");
    private final JPanel offer = new JPanel(new FlowLayout(FlowLayout.LEADING, 6, 2));
    private final JLabel quality = new JLabel(" ");
    private final JLabel running = new JLabel(" ");
    private final JTextArea message = new JTextArea(3, 40);
    private final JProgressBar progress = new JProgressBar(0, 1000);
    private final Map<String, AbstractButton> buttons = new HashMap<>();
    private final Runnable look; // before each action

    PanelWindow(Panel panel) {
        super(TITLE);
        setDefaultCloseOperation(WindowConstants.DO_NOTHING_ON_CLOSE);
        classes = new ClassRows(panel::choose, group -> {
            panel.tick();
            panel.drawn.add(group);
        });
        regions = new RegionList(roi -> panel.drawn.show(roi));
        images = new ImageRows(panel::setTrains);
        look = panel::tick;
        JPanel content = new JPanel(new BorderLayout(8, 6));
        content.setBorder(BorderFactory.createEmptyBorder(8, 8, 8, 8));
        content.add(top(), BorderLayout.NORTH);
        content.add(commands(panel), BorderLayout.WEST);
        content.add(labels(panel), BorderLayout.CENTER);
        content.add(bottom(panel), BorderLayout.SOUTH);
        setContentPane(content);
        pack();
        setMinimumSize(new Dimension(520, 400)); // lower, the buttons scroll
    }

    /** As large as its parts want, but not higher than the screen. */
    void fit() {
        pack();
        Rectangle screen = GUI.getMaxWindowBounds(this);
        if (getHeight() > screen.height) {
            setSize(getWidth(), screen.height);
        }
        if (getY() + getHeight() > screen.y + screen.height) {
            setLocation(getX(), Math.max(screen.y, screen.y + screen.height - getHeight()));
        }
    }

    private JPanel top() {
        JPanel top = new JPanel(new BorderLayout());
        top.add(image, BorderLayout.NORTH);
        offer.setBackground(new Color(0xfff4ce));
        offer.setVisible(false);
        top.add(offer, BorderLayout.SOUTH);
        return top;
    }

    /** The names and the order that users of Trainable Weka Segmentation know. */
    private JScrollPane commands(Panel panel) {
        JPanel training = group("Training");
        training.add(button("Train classifier", "Train on the labels and show the classes over "
                + "the image", panel::train));
        training.add(button("Update once", "Train and show the classes, without held-out figures",
                panel::updateOnce));
        live.setToolTipText("Train again after each stroke");
        live.addActionListener(event -> panel.setLive(live.isSelected()));
        training.add(live);
        overlay.setToolTipText("Show the classes over the image: key 0");
        overlay.addActionListener(event -> panel.setOverlay(overlay.isSelected()));
        training.add(overlay);
        opacity.setToolTipText("Opacity of the overlay");
        opacity.addChangeListener(event -> panel.setOpacity(opacity.getValue() / 100.0));
        opacity.setPreferredSize(new Dimension(10, opacity.getPreferredSize().height));
        training.add(opacity);
        training.add(button("Create result", "The classes as a new label image",
                () -> panel.results.createResult()));
        training.add(button("Get probability", "The probability of each class as a new image",
                () -> panel.results.getProbability()));
        training.add(button("Get uncertainty", "Where a stroke would help most, as a new image",
                () -> panel.results.getUncertainty()));
        JButton more = button("More results...", "Legend, composite, areas, objects", () -> { });
        more.addActionListener(event -> panel.results.more().show(more, 0, more.getHeight()));
        training.add(more);
        training.add(button("Get features", "The features of the image as a stack",
                () -> panel.results.getFeatures()));
        JPanel options = group("Options");
        options.add(button("Apply classifier", "Segment the image with more choices",
                () -> panel.results.applyClassifier()));
        options.add(button("Apply to folder", "Segment the images of a folder",
                () -> panel.files.applyToFolder()));
        options.add(button("Load classifier", "Open a .tdseg file", () -> panel.files.loadClassifier()));
        options.add(button("Save classifier", "Write a .tdseg file", () -> panel.files.saveClassifier()));
        options.add(button("Load labels", "Add the ROIs of a .zip file", () -> panel.files.loadLabels()));
        options.add(button("Save labels", "Write the labels as a RoiSet .zip", () -> panel.files.saveLabels()));
        options.add(button("Create new class", "Add a class", () -> panel.classes.create()));
        options.add(button("Settings", "Features, classifier, device", panel::settings));
        options.add(button("Copy as macro", "Put the session into the clipboard, as a macro",
                panel::copyAsMacro));
        Column both = new Column();
        both.add(training);
        both.add(options);
        both.add(Box.createVerticalGlue());
        return both.scrolling();
    }

    private JPanel labels(Panel panel) {
        JPanel labels = new JPanel(new BorderLayout(0, 6));
        JScrollPane rows = new JScrollPane(classes);
        rows.setBorder(BorderFactory.createTitledBorder("Classes"));
        rows.setPreferredSize(new Dimension(330, 150));
        JPanel ofClass = new JPanel(new GridLayout(2, 2, 4, 2));
        ofClass.add(button("Rename class", "Rename the class that is chosen",
                () -> panel.classes.rename()));
        ofClass.add(button("Merge class", "Give the labels of the class that is chosen to another "
                + "one, in all open images", () -> panel.classes.merge()));
        ofClass.add(button("Remove class", "Remove the class that is chosen and its labels, in "
                + "all open images", () -> panel.classes.remove()));
        JButton colours = button("Colours...", "The colours of the classes", () -> { });
        colours.addActionListener(
                event -> panel.classes.colours().show(colours, 0, colours.getHeight()));
        ofClass.add(colours);
        JPanel top = new JPanel(new BorderLayout(0, 4));
        top.add(rows, BorderLayout.CENTER);
        top.add(ofClass, BorderLayout.SOUTH);
        labels.add(top, BorderLayout.NORTH);
        JScrollPane list = new JScrollPane(regions);
        list.setBorder(BorderFactory.createTitledBorder("Labels"));
        labels.add(list, BorderLayout.CENTER);
        imageList.setViewportView(images);
        imageList.setBorder(BorderFactory.createTitledBorder("Images that train"));
        imageList.setPreferredSize(new Dimension(330, 90));
        imageList.setVisible(false);
        JPanel below = new JPanel(new GridLayout(2, 2, 4, 4));
        below.add(button("Move to class", "Give the labels chosen to the class chosen",
                () -> panel.drawn.move()));
        below.add(button("Delete", "Delete the labels chosen", () -> panel.drawn.delete()));
        below.add(button("Undo", "Take back the last change of labels", () -> panel.drawn.undo()));
        below.add(button("Redo", "Do it again", () -> panel.drawn.redo()));
        JPanel end = new JPanel(new BorderLayout(0, 4));
        end.add(below, BorderLayout.CENTER);
        end.add(imageList, BorderLayout.SOUTH);
        labels.add(end, BorderLayout.SOUTH);
        return labels;
    }

    private JPanel bottom(Panel panel) {
        JPanel bottom = new JPanel();
        bottom.setLayout(new BoxLayout(bottom, BoxLayout.Y_AXIS));
        JPanel work = new JPanel(new BorderLayout(6, 0));
        progress.setStringPainted(true);
        progress.setString("");
        work.add(progress, BorderLayout.CENTER);
        work.add(button("Stop", "End what runs; labels stay", panel::stop), BorderLayout.EAST);
        message.setEditable(false);
        message.setFocusable(false);
        message.setLineWrap(true);
        message.setWrapStyleWord(true);
        message.setOpaque(false);
        message.setName("message");
        message.setFont(running.getFont().deriveFont(Font.PLAIN));
        message.setBackground(getBackground());
        for (JLabel line : new JLabel[] {quality, running}) {
            JPanel left = new JPanel(new BorderLayout());
            left.add(line, BorderLayout.WEST);
            bottom.add(left);
        }
        bottom.add(work);
        JScrollPane room = new JScrollPane(message, ScrollPaneConstants.VERTICAL_SCROLLBAR_AS_NEEDED,
                ScrollPaneConstants.HORIZONTAL_SCROLLBAR_NEVER);
        room.setBorder(BorderFactory.createEmptyBorder(4, 0, 0, 0));
        bottom.add(room);
        return bottom;
    }

    private static JPanel group(String title) {
        JPanel group = new JPanel(new GridLayout(0, 1, 0, 1));
        group.setBorder(BorderFactory.createTitledBorder(title));
        return group;
    }

    private JButton button(String name, String tip, Runnable action) {
        JButton button = new JButton(name);
        button.setMargin(LOW);
        button.setName(name);
        button.setToolTipText(tip);
        button.addActionListener(event -> {
            look.run();
            if (button.isEnabled()) { // no image is left, perhaps
                action.run();
            }
        });
        buttons.put(name, button);
        return button;
    }

    void enable(String name, boolean enabled) {
        buttons.get(name).setEnabled(enabled);
    }

    void showImage(String title) {
        image.setText(title == null ? "Open an image to draw labels on." : "Image: " + title);
        for (Map.Entry<String, AbstractButton> button : buttons.entrySet()) {
            if (!button.getKey().matches("Stop|Apply to folder|Load classifier|Save classifier|Create new class"
                    + "|(Rename|Merge|Remove) class|Colours...|Settings|Copy as macro")) {
                button.getValue().setEnabled(title != null);
            }
        }
    }

    /** Shows which images train, once there are several. */
    void showImages(LabelledImages all) {
        List<Labels> labelled = all.labelled();
        images.show(labelled, all);
        imageList.setVisible(labelled.size() > 1);
    }

    /** Offers something in a line under the image's name; null: no longer. */
    void offer(String text, Runnable accept, Runnable decline) {
        offer.removeAll();
        offer.setVisible(text != null);
        if (text != null) {
            offer.add(new JLabel(text));
            offer.add(answer("Load them", accept));
            offer.add(answer("Discard", decline));
        }
        if (isVisible()) {
            revalidate();
            fit();
        }
    }

    private Component answer(String name, Runnable action) {
        JButton button = new JButton(name);
        button.addActionListener(event -> {
            offer(null, null, null);
            action.run();
        });
        return button;
    }

    void say(String text, boolean wrong) {
        message.setForeground(wrong ? WRONG : Color.DARK_GRAY);
        message.setText(text);
    }

    boolean says(String text) {
        return !text.isEmpty() && message.getText().equals(text);
    }

    /** Adds a line to what is said. */
    void sayMore(String line) {
        String before = message.getText();
        message.setText(before.isEmpty() ? line : before + "\n" + line);
        message.setCaretPosition(0);
    }

    void showQuality(String line) {
        quality.setText(line.isEmpty() ? " " : line);
    }

    void showRunning(String line) {
        running.setText(line.isEmpty() ? " " : line);
    }

    /** Shows how far the work is; a fraction below 0: not known, null: none runs. */
    void showProgress(Double fraction, String text) {
        progress.setIndeterminate(fraction != null && fraction < 0);
        progress.setValue(fraction == null ? 0 : (int) (Math.max(0, fraction) * 1000));
        progress.setString(text);
        enable("Stop", fraction != null);
    }
}
