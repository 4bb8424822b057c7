"""Settings of this project's own steps: the section `steps` of the configuration. Yours to change.

A step that needs settings gets a class, and a field of `Steps`; `pipeline/dag.py` hands the values
to the step. docs/extending.md has an example. Nothing here may import TensorFlow or TFX.
"""

from __future__ import annotations

from typing import Literal

import pydantic
from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import SecretReference


class AnnounceSettings(Frozen):
    """Where the outcome of a run is announced; nowhere, unless a webhook or a file is named."""

    webhook: SecretReference = pydantic.Field(
        default="", description="Environment variable, or file, that holds the URL."
    )
    format: Literal["slack", "teams", "json"] = pydantic.Field(
        default="json", description="What the webhook takes."
    )
    file: str = pydantic.Field(
        default="", description="A line of JSON is appended; an absolute path, or one with ~/."
    )
    already_served: bool = pydantic.Field(
        default=False, description="Announce also that nothing new was pushed."
    )
    required: bool = pydantic.Field(
        default=False, description="Fail the run if the announcement fails."
    )

    @pydantic.field_validator("file")
    @classmethod
    def _absolute(cls, file: str) -> str:
        if file and not file.startswith(("/", "~/")):
            raise ValueError("write an absolute path, or one that begins with ~/")
        return file


class Steps(Frozen):
    """One field for each step with settings, such as `announce: AnnounceSettings`."""

    announce: AnnounceSettings = AnnounceSettings()
