"""Server of the pushed model on one machine, with the REST and gRPC APIs of TensorFlow Serving."""
