"""The formats in which a parsed photo is written: one module each, listed in `table.py`. Every encoder returns bytes."""
