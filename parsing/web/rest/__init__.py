"""The programming interface over HTTP: routes, answers, their description."""
