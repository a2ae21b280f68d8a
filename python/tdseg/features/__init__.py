"""Named float32 planes: classical, deep and hybrid."""
