"""The viewer: the picture, the list of parts and everything to set, as one component that draws by itself.

It is sent a photo once, with its label map and its person map; the modules beside this file recolour them by the rule of
`parsing.render`, so that no choice of part, opacity, palette, view or person travels. They know nothing of Gradio and of the
network: `parsing/web/page/connection.js` stands between, or `parsing/web/site/site.js` where there is no server.
"""
