"""The tools that language models may call, by the Model Context Protocol."""
