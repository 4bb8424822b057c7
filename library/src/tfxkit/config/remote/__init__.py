"""Settings of Kubeflow Pipelines and Vertex AI, and of the steps on them."""
