"""The page as Gradio builds it: blocks, handlers, texts, model menu."""
