"""The plugin put into a Fiji, and taken out again: files alone; no Java but a compiler."""
