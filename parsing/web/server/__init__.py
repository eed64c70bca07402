"""What stands around page and REST: limits, the waiting line, the HTTP server, its options."""
