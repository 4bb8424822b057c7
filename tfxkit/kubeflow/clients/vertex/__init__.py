"""Vertex AI Pipelines, by means of `google.cloud.aiplatform.PipelineJob`."""

from tfxkit.kubeflow.clients.vertex.runs import submit

__all__ = ["submit"]
