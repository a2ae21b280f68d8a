"""Images: pixels with their meaning, files of them, grey values, planes."""
