"""Commands, without Java: the table, the parser, and one function a command."""
