"""The model: features, network, training, search and metrics. All of it is yours to change."""
