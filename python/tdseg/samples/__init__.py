"""Sample images with exact truth, made by programs, and strokes drawn in them."""
