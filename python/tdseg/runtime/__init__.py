"""What everything stands on: threads, memory, progress, files, tiles, lazy feature maps."""
