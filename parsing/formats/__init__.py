"""What a parsed photo is handed on as, a file for each kind; all give bytes, which `parsing.files` puts on a disk."""
