"""The last step on a cluster: the report of the run as an artifact that the backend's UI shows."""

from tfxkit.kubeflow.report_step.component import Report

__all__ = ["Report"]
