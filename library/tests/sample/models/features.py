"""The features of the tests' own project: those that the roles in dataset.yaml ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxkit.config.dataset import Dataset
from tfxkit.features.helpers import by_role
from tfxkit.features.preprocessing import Columns, Features, preprocessing


@preprocessing
def preprocessing_fn(inputs: Columns, custom_config: Mapping[str, Any]) -> Features:
    """By role, and nothing else."""
    return by_role(inputs, Dataset.model_validate(custom_config["dataset"]))
