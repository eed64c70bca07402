"""What a parsed photo is handed on as: a file for each format, and the table of them in `table.py`. All give bytes."""
