"""The package as the API server reads it (apiserver/template/template.go and v2_template.go).

A package is one or two YAML documents: the pipeline spec and, for Kubernetes, the platform spec. A
second document that is no platform spec, be it for one misspelt field, is dropped without a word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import protojson
from tests.kubeflow.emulator.errors import BackendError, NotEmulated, invalid_spec

SCHEMA_VERSION = "2.1.0"
# Not anchored in the original either, so one good letter is enough (v2_template.go:236).
PIPELINE_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Package:
    """The parts of a package that the backend keeps."""

    spec: pipeline_spec_pb2.PipelineSpec
    platform: pipeline_spec_pb2.PlatformSpec | None


class _GoLoader(yaml.SafeLoader):
    """Reads plain scalars as Go's yaml.v3 does: 1e-3 is a number, and yes is a word."""

    def construct_go_float(self, node: yaml.ScalarNode) -> float | str:
        """A number, unless it is too large for one (resolve.go:205)."""
        number = self.construct_yaml_float(node)
        too_large = math.isinf(number) and "inf" not in node.value.lower()
        return node.value if too_large else number


_FLOAT, _BOOL = "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"
_GoLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in (_FLOAT, _BOOL)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# gopkg.in/yaml.v3 v3.0.1, resolve.go:124 and :52
_GoLoader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|Inf|INF)$"),
    list("-+.0123456789"),
)
_GoLoader.add_constructor(_FLOAT, _GoLoader.construct_go_float)
_GoLoader.add_implicit_resolver(_BOOL, re.compile(r"^(true|True|TRUE|false|False|FALSE)$"), "tTfF")


def read(text: str) -> Package:
    """Reads a package.

    Raises:
        BackendError: The API server refuses it.
        NotEmulated: It is an Argo workflow, a package of version 1.
    """
    documents = list(_documents(text))
    if documents and str(documents[0].get("apiVersion", "")).startswith("argoproj.io/"):
        raise NotEmulated("a package of version 1: an Argo workflow")  # template.go:97
    spec, platform, unreadable = None, None, []
    for document in documents:
        try:
            candidate = _pipeline_spec(document)
        except protojson.InvalidJson as error:
            unreadable.append(str(error))
            candidate = None
        if candidate is not None:
            if spec is not None:
                raise invalid_spec("multiple pipeline specs provided")  # v2_template.go:219
            _check(candidate)
            spec = candidate
        elif (found := _platform_spec(document)) is not None:  # v2_template.go:244
            if platform is not None:
                raise invalid_spec("multiple platform specs provided")
            platform = found
    if spec is None:
        raise _unknown_format(unreadable)
    return Package(spec, platform)


def _documents(text: str) -> Iterator[dict[str, Any]]:
    try:
        for document in yaml.load_all(text, _GoLoader):
            if document is None:
                continue
            if not isinstance(document, dict):
                raise invalid_spec("unable to decode yaml document: it is no mapping")
            yield document
    except yaml.YAMLError as error:
        raise invalid_spec(f"unable to decode yaml document: {error}") from error


def _pipeline_spec(document: dict[str, Any]) -> pipeline_spec_pb2.PipelineSpec | None:
    """The document as a pipeline spec, if it has a name and a root (template.go:107)."""
    spec = protojson.from_object(document, pipeline_spec_pb2.PipelineSpec())
    return spec if spec.pipeline_info.name and spec.HasField("root") else None


def _platform_spec(document: dict[str, Any]) -> pipeline_spec_pb2.PlatformSpec | None:
    """The document as a platform spec, if it is one for Kubernetes (v2_template.go:428)."""
    try:
        platform = protojson.from_object(document, pipeline_spec_pb2.PlatformSpec())
    except protojson.InvalidJson:
        return None
    return platform if "kubernetes" in platform.platforms else None


def _check(spec: pipeline_spec_pb2.PipelineSpec) -> None:
    if spec.schema_version != SCHEMA_VERSION:  # v2_template.go:230
        raise invalid_spec(
            f"KFP only supports schema version {SCHEMA_VERSION}, but the pipeline spec has "
            f"version {spec.schema_version}"
        )
    if not PIPELINE_NAME.search(spec.pipeline_info.name):  # v2_template.go:236
        raise invalid_spec(
            "invalid v2 pipeline spec: name should consist of lower case alphanumeric characters, "
            "'-' or '.', and must start and end with an alphanumeric character"
        )


def _unknown_format(unreadable: list[str]) -> BackendError:
    error = invalid_spec("unknown template format")  # template.go:162
    for reason in unreadable:  # the backend keeps these to itself
        error.add_note(f"no pipeline spec: {reason}")
    return error
