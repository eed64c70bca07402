"""The command line: parse, export, compare, many machines."""
