"""Settings of this project's own steps."""

from typing import Annotated

import pydantic

from tfxkit.config.frozen import Frozen


class AnnounceSettings(Frozen):
    file: str = "pushed.txt"
    greeting: str = "New model"


class ModelSizeSettings(Frozen):
    max_megabytes: Annotated[float, pydantic.Field(gt=0)] = 20.0


class ScanSettings(Frozen):
    enabled: bool = False


class Steps(Frozen):
    announce: AnnounceSettings = AnnounceSettings()
    model_size: ModelSizeSettings = ModelSizeSettings()
    scan: ScanSettings = ScanSettings()
