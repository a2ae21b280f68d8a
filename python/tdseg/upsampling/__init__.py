"""From grids of tokens to pixels."""
