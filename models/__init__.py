"""The model: features, network, training, search and metrics. All files are yours to change."""
