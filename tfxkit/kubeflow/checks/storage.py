"""Where artifacts go: the pipeline root, and what TFX put below it at compile time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tfxkit.kubeflow.checks.view import View

_LAUNCHER_SCHEMES = ("gs", "s3", "minio")
_ADDRESS = re.compile(r"([a-z][a-z0-9]+)://[^/?]+(/[^?]*)?(\?.+)?")


def launcher_root(view: View) -> Iterator[str]:
    """The launcher knows three kinds of stores: v2/objectstore/config.go:118 and :137.

    Others fail at each step that has an output (v2/component/launcher_v2.go:1239-1252). Without a
    root the server's own default is taken (v2/driver/root_dag.go:112), which is fine.
    """
    root = view.spec.default_pipeline_root
    match = _ADDRESS.fullmatch(root)
    if root and (match is None or match[1] not in _LAUNCHER_SCHEMES):
        yield (
            f"The pipeline root {root!r} is no address that the launcher can write to: use gs://, "
            "s3:// or minio:// and a bucket (key pipeline_root)."
        )


def vertex_root(view: View) -> Iterator[str]:
    """Vertex keeps artifacts in Cloud Storage: its request calls it `gcs_output_directory`."""
    root = view.spec.default_pipeline_root
    if not re.fullmatch(r"gs://[^/?]+(/.*)?", root):
        yield (
            f"The pipeline root {root!r} is not in Cloud Storage, where Vertex keeps artifacts: "
            "set gs:// and a bucket of yours (key pipeline_root)."
        )


def wheels(view: View) -> Iterator[str]:
    """`module_file` makes TFX build a wheel below the root when it compiles.

    tfx 1.21, components/base/base_component.py:209; the step then installs it with pip, from an
    address that on s3:// and minio:// neither can read.
    """
    for task in view.tasks:
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            value = parameter.runtime_value.constant.string_value
            if name == "module_path" and value.endswith(".whl"):
                yield (
                    f"{task.name}: its user code is a wheel ({value.rpartition('@')[2]}) that TFX "
                    "built from module_file: name the function instead (run_fn='package.module.fn')"
                    " and have the module in the image."
                )
