"""How the embedded model was made, `training.train` and `training.export`, and how to make it better, `training.distill`."""
