"""Options: every key of macros, command line and Python, defined once."""
