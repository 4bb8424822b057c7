"""Settings of the backends, Kubeflow Pipelines and Vertex AI, and of steps on them."""
