"""How the embedded model was made: `python -m training.train`, then `python -m training.export`."""
