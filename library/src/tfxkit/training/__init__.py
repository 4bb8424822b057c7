"""Reading rows, fitting, checkpoints, export and warm start, whatever the network."""
