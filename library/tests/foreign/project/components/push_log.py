"""Appends a line to a file for each model that was pushed."""

from tfx import v1 as tfx

from tfxkit.storage.step_cache import never_cached

PushedModel = tfx.types.standard_artifacts.PushedModel


@never_cached
@tfx.dsl.components.component
def PushLog(
    pushed_model: tfx.dsl.components.InputArtifact[PushedModel],
    rows: int,
    file: tfx.dsl.components.Parameter[str],
    greeting: tfx.dsl.components.Parameter[str],
):
    new = pushed_model.get_int_custom_property("pushed")
    if not new or pushed_model.get_int_custom_property("adopted"):
        return
    version = pushed_model.get_string_custom_property("pushed_version")
    with open(file, "a") as log:
        log.write(f"{greeting}: version {version}, trained on {rows} rows\n")
