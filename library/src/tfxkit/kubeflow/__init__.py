"""The same pipeline on Kubeflow Pipelines 2.x and on Vertex AI Pipelines."""

TARGETS = ("kubeflow", "vertex")  # also names of a runner, a client, a section and an extra
