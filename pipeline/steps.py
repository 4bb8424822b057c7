"""Settings of this project's own steps: the section `steps` of the configuration.

This file is yours to change. To give a step settings, write a class and add a field to `Steps`;
`pipeline/dag.py` passes the values to the step. `Announce` is an example. Do not import TensorFlow
or TFX here.
"""

from __future__ import annotations

from typing import Literal

import pydantic
from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import SecretReference


class AnnounceSettings(Frozen):
    """Targets of the announcement: a webhook, a file, or both; without either, Announce is off."""

    webhook: SecretReference = pydantic.Field(
        default="", description="Environment variable, or file, that holds the URL."
    )
    format: Literal["slack", "teams", "json"] = pydantic.Field(
        default="json", description="Message format of the webhook."
    )
    file: str = pydantic.Field(
        default="", description="File for a line of JSON per run: an absolute path, or one with ~/."
    )
    already_served: bool = pydantic.Field(
        default=False, description="Also announce that the model is already served."
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
    """One field per step with settings, such as `announce: AnnounceSettings`."""

    announce: AnnounceSettings = AnnounceSettings()
