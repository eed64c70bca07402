"""Videos: reading them, steadying what was found from frame to frame, writing them."""
