"""A compiled pipeline as a file: the pipeline's spec and, for Kubeflow, the platform's document."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import yaml

from tfxkit.errors import UsageError

_MOST_DOCUMENTS = 2


@dataclasses.dataclass(frozen=True)
class Package:
    """What a backend is given.

    Attributes:
        spec: `ml_pipelines.PipelineSpec`, schema 2.1, as its JSON form has it.
        platform: `ml_pipelines.PlatformSpec`: what only Kubernetes understands; None for Vertex,
            whose client refuses a second document.
    """

    spec: dict[str, Any]
    platform: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return self.spec["pipelineInfo"]["name"]


class _Dumper(yaml.SafeDumper):
    """Repeats what occurs twice: not every reader of a package follows YAML's references."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# Texts that need quotes: PyYAML, of YAML 1.1, takes them for texts without, and Go's reader in the
# backend, of YAML 1.2, for numbers (gopkg.in/yaml.v3, resolve.go).
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+|[-+]?0o[0-7]+"),
    list("-+.0123456789"),
)


def to_yaml(package: Package) -> str:
    """The file's text; the same package gives the same text."""
    documents = [package.spec, *([package.platform] if package.platform is not None else [])]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=2**20)


def write(package: Package, path: Path) -> None:
    """Writes the file, as a whole or not at all.

    Raises:
        UsageError: If it cannot be written there.
    """
    if not path.name or path.is_dir():
        raise UsageError(f"Cannot write {path}: it is a folder; name a file in it")
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(to_yaml(package), encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"Cannot write {path}: {error.strerror}") from None


def read(path: Path) -> Package:
    """Reads a package of any origin; what is wrong inside is for `tfxkit.kubeflow.checks`.

    Raises:
        UsageError: If the file is none.
    """
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid YAML:\n  {error}") from None
    documents = [document for document in documents if document is not None]
    spec, platform = (*documents, None, None)[:2]
    is_spec = isinstance(spec, dict) and not spec.keys().isdisjoint(
        ("pipelineInfo", "pipelineSpec")
    )
    if not is_spec or not isinstance(platform, dict | None) or len(documents) > _MOST_DOCUMENTS:
        raise UsageError(
            f"{path} is not a compiled pipeline: a PipelineSpec and, at most, a PlatformSpec after "
            "it. python -m pipeline compile writes one"
        )
    return Package(spec, platform)
