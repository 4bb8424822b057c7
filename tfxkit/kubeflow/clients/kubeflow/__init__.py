"""Kubeflow Pipelines 2.x, by means of `kfp.Client`."""

from tfxkit.kubeflow.clients.kubeflow.runs import submit

__all__ = ["submit"]
