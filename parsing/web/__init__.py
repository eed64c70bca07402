"""The page's own parts: components (Python), and beside them the style sheet, template, script and texts as files."""
