"""Train, apply, compute features: what menu, macro, batch, command line and Python call."""
