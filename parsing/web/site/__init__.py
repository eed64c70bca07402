"""The page as static files: the same viewer, with `lite` in the browser and no server behind it.

`build.py` writes the folder. What is otherwise than on Gradio's page is in the files beside it: `index.html`, `site.css` and
`site.js` in the place of `parsing/web/page/`.
"""
