"""Lists the files of a pushed model with a program that is in no image of ours."""

from tfx import v1 as tfx
from tfx.dsl.component.experimental.placeholders import InputUriPlaceholder, OutputUriPlaceholder

standard = tfx.types.standard_artifacts

Scan = tfx.dsl.experimental.create_container_component(
    name="Scan",
    image="busybox:1.36",
    inputs={"pushed_model": standard.PushedModel},
    outputs={"listing": standard.String},
    command=[
        "sh",
        "-c",
        'mkdir -p "$(dirname "$1")" && find "$0" -type f | sort > "$1"',
        InputUriPlaceholder("pushed_model"),
        OutputUriPlaceholder("listing"),
    ],
)
