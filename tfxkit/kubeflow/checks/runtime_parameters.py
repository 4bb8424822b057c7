"""The pipeline's own parameters: each with a type, and a value or a default of that type."""

from __future__ import annotations

from collections.abc import Iterator

from tfxkit.kubeflow.checks.values import UNTYPED, fits, kind_name, type_name
from tfxkit.kubeflow.checks.view import View


def values(view: View) -> Iterator[str]:
    """Parameters without type, or without a value: apiserver/template/v2_template.go:467-479.

    TFX drops the default of a RuntimeParameter when it compiles (tfx 1.21,
    orchestration/kubeflow/v2/pipeline_builder.py).
    """
    for name, parameter in sorted(view.spec.root.input_definitions.parameters.items()):
        if parameter.parameter_type == UNTYPED:
            yield (
                f"The pipeline's parameter {name!r} has no parameterType: set it (STRING, "
                "NUMBER_INTEGER, NUMBER_DOUBLE, BOOLEAN, LIST or STRUCT)."
            )
        if not (parameter.HasField("default_value") or parameter.is_optional or name in view.given):
            yield (
                f"The pipeline's parameter {name!r} has neither a default nor a value: give it a "
                f"defaultValue, or a value with each submission (--parameter {name}=…)."
            )


def defaults(view: View) -> Iterator[str]:
    """Defaults of another type.

    They are filled in after the check of the values (v2/compiler/argocompiler/argo.go:96-107), so
    it is the first step using one that fails: v2/driver/resolve.go:219-249.
    """
    for name, parameter in sorted(view.spec.root.input_definitions.parameters.items()):
        typed = parameter.parameter_type != UNTYPED and parameter.HasField("default_value")
        if typed and not fits(parameter.default_value, parameter.parameter_type):
            yield (
                f"The pipeline's parameter {name!r} is a {type_name(parameter.parameter_type)}, "
                f"and its default is a {kind_name(parameter.default_value)}: correct one of them."
            )
