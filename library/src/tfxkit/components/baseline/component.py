"""The Baseline component: what is served now, or nothing, for gate, evaluation and warm start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, component_spec, standard_artifacts

from tfxkit.components.baseline.driver import Driver
from tfxkit.components.baseline.executor import Executor
from tfxkit.storage.code_hash import code_hash


class BaselineSpec(component_spec.ComponentSpec):
    """What goes in and what comes out."""

    PARAMETERS: ClassVar = {
        "serving_dir": component_spec.ExecutionParameter(type=str),
        "dataset": component_spec.ExecutionParameter(type=str),
        "code_hash": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema, optional=True)
    }
    OUTPUTS: ClassVar = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }


class Baseline(base_component.BaseComponent):
    """Copies the served version and the statistics of its training data into artifacts.

    Read from where the Pusher pushes to, so it needs no metadata service. A served model of another
    label or task, or one that needs a feature which today's schema has no more or has with another
    type, counts as none.

    Outputs:
        model: `Model`; the version is `Format-Serving`. Custom properties `served_version` and
            `fingerprint`, or, if there is none, `tfx_absent=1` and `reason` (one sentence).
        statistics: `ExampleStatistics`, as StatisticsGen writes them, or `tfx_absent=1`.

    An absent artifact holds one file, `ABSENT`, with the reason: object stores have no empty
    folders.
    """

    SPEC_CLASS = BaselineSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        serving_dir: str,
        dataset: Mapping[str, Any],
        schema: channel.BaseChannel | None = None,
    ) -> None:
        """Constructs the component.

        Args:
            serving_dir: The folder of pushed versions; it need not exist.
            dataset: `Dataset.for_model()`: label, task and columns of today.
            schema: Today's `Schema`. Without it, features are not compared.
        """
        super().__init__(
            BaselineSpec(
                serving_dir=serving_dir,
                dataset=json.dumps(dataset, sort_keys=True),
                code_hash=code_hash("tfxkit.components.baseline"),
                schema=schema,
                model=channel.Channel(type=standard_artifacts.Model),
                statistics=channel.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )
