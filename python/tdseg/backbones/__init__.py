"""Networks that turn an image into grids of tokens."""
