"""The columns that the pipeline's model reads of the sample, as scikit-learn takes them."""

from __future__ import annotations

from pathlib import Path

import pandas
import yaml

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def model_columns(rows: pandas.DataFrame) -> pandas.DataFrame:
    """Those that are not ignored; what the pipeline takes as categories, as such."""
    columns = yaml.safe_load((CONFIGS / "dataset.yaml").read_text())["columns"]
    roles = {name: column["role"] for name, column in columns.items()}
    features = rows[[name for name, role in roles.items() if role != "ignored"]]
    return features.astype(
        {name: "category" for name, role in roles.items() if role in ("categorical", "hashed")}
    )
