"""Settings of the model and its training: the sections `model` and `train`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import pydantic

from tfxkit.config.data import CsvFormat
from tfxkit.config.dataset import Dataset
from tfxkit.config.frozen import Frozen

__all__ = ["ModelSettings", "TrainSettings", "TrainerConfig"]


class ModelSettings(Frozen):
    """Section `model`: the network; see `models/network.py`."""

    members: int = pydantic.Field(
        default=16,
        ge=1,
        description="Networks that share their weights; the prediction is their mean.",
    )
    width: int = pydantic.Field(default=128, ge=1, description="Units of each hidden layer.")
    depth: int = pydantic.Field(default=2, ge=1, description="Hidden layers.")
    dropout: float = pydantic.Field(default=0.2, ge=0, lt=1, description="Share of units dropped.")
    embedding: int = pydantic.Field(
        default=8, ge=1, description="Size of each feature's embedding."
    )
    bins: int = pydantic.Field(
        default=64, ge=1, description="Linear pieces of each numeric feature."
    )


class TrainSettings(Frozen):
    """Section `train`: the training; see `tfxkit.training.fitting`."""

    epochs: int = pydantic.Field(default=40, ge=1, description="At most; fewer if it stops early.")
    batch_size: int = pydantic.Field(default=256, ge=1, description="Rows of one step.")
    learning_rate: float = pydantic.Field(
        default=0.002, gt=0, description="Of AdamW, at its start."
    )
    weight_decay: float = pydantic.Field(default=0.01, ge=0, description="Of AdamW.")
    held_out: float = pydantic.Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share of the training rows that decides when to stop; 10,000 rows at most.",
    )
    patience: int = pydantic.Field(
        default=3,
        ge=1,
        description="Number of epochs after which training stops if the held-out loss has not "
        "fallen by a thousandth.",
    )
    seed: int = pydantic.Field(
        # tf.data takes no seed that changes within a graph when TensorFlow's own seed is 0
        # (tensorflow 2.21, python/framework/random_seed.py, get_seed).
        default=1,
        ge=1,
        description="Of weights, dropout and order of rows; 1 or more.",
    )
    epoch_rows: int = pydantic.Field(
        default=50_000,
        ge=1,
        description="Maximum number of rows in an epoch; the next epoch continues from there. The "
        "held-out rows are evaluated after each epoch.",
    )
    cache: bool = pydantic.Field(
        default=True,
        description="Keep rows in memory, epochs times epoch_rows of them at most, drawn at "
        "random; else read all of them again each epoch.",
    )
    warm_start: bool = pydantic.Field(
        default=False, description="Start from the weights of the served model, where they fit."
    )


class TrainerConfig(Frozen):
    """Everything that decides on a training apart from the rows, and the format of the files."""

    dataset: Dataset
    model: ModelSettings
    train: TrainSettings
    csv: CsvFormat = CsvFormat()

    @classmethod
    def from_custom_config(
        cls, custom_config: Mapping[str, Any], hyperparameters: Mapping[str, Any] | None = None
    ) -> Self:
        """Reads the arguments that TFX passes to `run_fn` and `tuner_fn`.

        Args:
            custom_config: Has the keys `dataset`, `model` and `train`, and may have `csv`.
            hyperparameters: The config of a `keras_tuner.HyperParameters`; its values replace the
                settings of the same names.
        """
        values = (hyperparameters or {}).get("values", {})
        parts = {}
        for part, settings in (("model", ModelSettings), ("train", TrainSettings)):
            chosen = {k: v for k, v in values.items() if k in settings.model_fields}
            parts[part] = {**custom_config[part], **chosen}
        rest = {name: custom_config[name] for name in ("dataset", "csv") if name in custom_config}
        return cls.model_validate({**rest, **parts})

    def to_json(self) -> dict[str, Any]:
        """JSON-ready values, from which `from_custom_config` reads the same configuration."""
        return {
            "dataset": self.dataset.for_model(),
            "model": self.model.model_dump(mode="json"),
            "train": self.train.model_dump(mode="json"),
            "csv": self.csv.model_dump(mode="json"),
        }
