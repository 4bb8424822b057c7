"""What a user may set about the model and its training: sections `model` and `train` of configs."""

from __future__ import annotations

import pydantic

from models.dataset import Frozen


class ModelSettings(Frozen):
    """The network; see `models/network.py`."""

    members: int = pydantic.Field(
        default=16,
        ge=1,
        description="Networks that share their weights; the prediction is their mean.",
    )
    width: int = pydantic.Field(default=192, ge=1, description="Units of each hidden layer.")
    depth: int = pydantic.Field(default=2, ge=1, description="Hidden layers.")
    dropout: float = pydantic.Field(default=0.2, ge=0, lt=1, description="Share of units dropped.")
    embedding: int = pydantic.Field(
        default=8, ge=1, description="Size of each feature's embedding."
    )
    bins: int = pydantic.Field(
        default=32, ge=1, description="Linear pieces of each numeric feature."
    )


class TrainSettings(Frozen):
    """The training; see `models/training.py`."""

    epochs: int = pydantic.Field(default=40, ge=1, description="At most; fewer if it stops early.")
    batch_size: int = pydantic.Field(default=256, ge=1, description="Rows of one step.")
    learning_rate: float = pydantic.Field(
        default=0.002, gt=0, description="Of AdamW, at its start."
    )
    weight_decay: float = pydantic.Field(default=0.01, ge=0, description="Of AdamW.")
    held_out: float = pydantic.Field(
        default=0.1, gt=0, lt=1, description="Share of the training rows that decides when to stop."
    )
    patience: int = pydantic.Field(
        default=8, ge=1, description="Epochs without a lower held-out loss after which it stops."
    )
    seed: int = pydantic.Field(
        default=1, ge=0, description="Of weights, dropout and order of rows."
    )
    warm_start: bool = pydantic.Field(
        default=False, description="Start from the weights of the served model, where they fit."
    )
