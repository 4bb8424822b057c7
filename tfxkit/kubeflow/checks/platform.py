"""The second document, with what only Kubernetes understands: much of it fails silently."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.checks.view import View

_PULL_POLICIES = ("Always", "Never", "IfNotPresent")


def read_strictly(view: View) -> Iterator[str]:
    """A document that does not parse, or lacks `kubernetes`, is dropped without a word.

    apiserver/template/v2_template.go:244 and :428-439.
    """
    if view.raw_platform is None:
        return
    try:
        document = json_format.ParseDict(dict(view.raw_platform), pb.PlatformSpec())
    except json_format.ParseError as error:
        yield (
            f"The platform document does not hold ({error}), and the backend would drop all of it "
            "without a word: correct that field."
        )
        return
    if "kubernetes" not in document.platforms:
        yield (
            "The platform document has no platforms.kubernetes, and the backend would drop it "
            "without a word: put the settings there, or leave the document out."
        )


def executor_labels(view: View) -> Iterator[str]:
    """Settings for executors that are not there are ignored: v2/compiler/visitor.go:113-122."""
    for label in view.platform_settings():
        if label not in view.deployment.executors:
            known = ", ".join(sorted(view.deployment.executors))
            yield (
                f"{label}: the platform document has settings for it, but there is no such "
                f"executor, so they would be ignored: use one of {known}."
            )


def executor_settings(view: View) -> Iterator[str]:
    """Settings are parsed strictly: v2/compiler/argocompiler/container.go:326.

    The pull policy is looked at when the step is about to run: v2/driver/k8s.go:176-188.
    """
    for label, settings in view.platform_settings().items():
        try:
            parsed = json_format.ParseDict(settings, kubernetes_pb.KubernetesExecutorConfig())
        except (json_format.ParseError, TypeError) as error:  # the latter if it is a number
            yield (
                f"{label}: its settings in the platform document do not hold ({error}), and the "
                "run would be refused: correct that field."
            )
            continue
        if parsed.image_pull_policy and parsed.image_pull_policy not in _PULL_POLICIES:
            yield (
                f"{label}: imagePullPolicy {parsed.image_pull_policy!r} is not one of "
                f"{', '.join(_PULL_POLICIES)}: correct it."
            )


def none_for_vertex(view: View) -> Iterator[str]:
    """Vertex's client reads one document: google-cloud-aiplatform 1.165.1, yaml_utils.py:118."""
    if view.raw_platform is not None:
        yield (
            "The package has a platform document, which is for Kubernetes; Vertex's client fails "
            "to read a file with two documents: compile with --target vertex."
        )
