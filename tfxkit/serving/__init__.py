"""Serves the pushed model with the REST and gRPC APIs of TensorFlow Serving, for one machine."""
