"""The Pusher of this project: TFX's, with versions that carry their statistics."""

from __future__ import annotations

from typing import ClassVar

from tfx.components import Pusher
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts, standard_component_specs

from tfxkit.components.pusher.executor import Executor
from tfxkit.storage.code_hash import code_hash
from tfxkit.storage.step_cache import never_cached


class VersionPusherSpec(component_spec.ComponentSpec):
    """What goes in and what comes out."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        **standard_component_specs.PusherSpec.INPUTS,
        "examples": component_spec.ChannelParameter(
            type=standard_artifacts.Examples, optional=True
        ),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }
    OUTPUTS: ClassVar = standard_component_specs.PusherSpec.OUTPUTS


@never_cached  # a version that was taken out of the serving folder must come back
class VersionPusher(Pusher):
    """Writes `<serving_dir>/<version>`: complete or absent, and no model twice in a row.

    The version holds the model's `Format-Serving` and, under `assets.extra/statistics`, the
    statistics of its training data; it is described in `tfxkit.storage.served_model`. Its number is
    the time in unix seconds, or one more than the newest version if the clock is behind. If the
    newest version is this model already (the same fingerprint), it is adopted and nothing is
    written, so running this step each time costs next to nothing.

    Outputs:
        pushed_model: `PushedModel`, a copy of the model. Custom properties as TFX's Pusher sets
            them: `pushed` (0 or 1), `pushed_destination` and `pushed_version` (text); and
            `adopted=1` where the model was being served already.
    """

    SPEC_CLASS = VersionPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: channel.BaseChannel,
        statistics: channel.BaseChannel,
        serving_dir: str,
        *,
        model_blessing: channel.BaseChannel | None = None,
        infra_blessing: channel.BaseChannel | None = None,
        examples: channel.BaseChannel | None = None,
    ) -> None:
        """Constructs the component, with the id `Pusher`.

        Args:
            model: `Model` that the Trainer exported, see `tfxkit.storage.served_model`.
            statistics: `ExampleStatistics` of the data that the model was trained on.
            serving_dir: The folder of versions: a local path, or an address like gs:// or s3://.
            model_blessing: `ModelBlessing`; a model that is not blessed is not pushed.
            infra_blessing: `InfraBlessing`; likewise.
            examples: `Examples` that the model was trained on: the version names their spans.
        """
        # Pusher's own constructor knows no further inputs.
        base_component.BaseComponent.__init__(
            self,
            VersionPusherSpec(
                model=model,
                examples=examples,
                statistics=statistics,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                serving_dir=serving_dir,
                code_hash=code_hash("tfxkit.components.pusher"),
                pushed_model=channel.Channel(type=standard_artifacts.PushedModel),
            ),
        )
        self.with_id("Pusher")
