"""Everything that is served: the page, its viewer, the model in the browser, REST."""
