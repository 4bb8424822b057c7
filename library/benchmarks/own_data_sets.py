"""Data sets that nobody prepared: shipped with scikit-learn and others, or generated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
from sklearn import datasets

ROOT = Path(__file__).resolve().parents[2]


def _shipped(name: str) -> Callable[[], pandas.DataFrame]:
    def load() -> pandas.DataFrame:
        data = getattr(datasets, f"load_{name}")(as_frame=True)
        frame = data.frame
        if name != "diabetes":
            frame["target"] = [str(data.target_names[label]) for label in frame["target"]]
        return frame

    return load


def _customers() -> pandas.DataFrame:
    """Two classes; numbers with gaps and heavy tails, rare categories, an identifier."""
    random = np.random.default_rng(0)
    rows = 2_000
    income = random.lognormal(10, 1, rows)
    plan = random.choice(["basic", "plus", "pro", "old"], rows, p=[0.6, 0.27, 0.12, 0.01])
    age, visits = random.integers(18, 90, rows), random.poisson(4, rows)
    effect = dict(zip(["basic", "plus", "pro", "old"], [-1.0, 0.0, 1.5, 0.5], strict=True))
    log_odds = np.log(income / 2e4) + [effect[one] for one in plan] - 0.3 * visits
    log_odds += 0.002 * (age - 45) ** 2 + random.normal(0, 1, rows)
    return pandas.DataFrame(
        {
            "customer_id": np.arange(rows) + 10_000,
            "income": np.where(random.random(rows) < 0.1, np.nan, income),  # noqa: PLR2004
            "plan": np.where(random.random(rows) < 0.05, None, plan),  # noqa: PLR2004
            "age": age,
            "visits": visits,
            "Left": np.where(log_odds > np.quantile(log_odds, 0.7), "yes", "no"),
        }
    )


def _houses() -> pandas.DataFrame:
    """A number, of columns like those of the Californian houses: place, counts, incomes."""
    random = np.random.default_rng(0)
    rows = 4_000
    latitude, longitude = random.uniform(32, 42, rows), random.uniform(-124, -114, rows)
    income, age = random.gamma(4, 1, rows), random.integers(1, 52, rows)
    rooms, occupancy = random.lognormal(1.6, 0.3, rows), random.lognormal(1, 0.3, rows)
    coast = np.exp(-np.abs(latitude + longitude + 82) / 2)
    value = 0.4 * income * (1 + coast) + 0.05 * rooms - 0.2 * occupancy + 0.004 * age
    frame = {"MedInc": income, "HouseAge": age, "AveRooms": rooms, "AveOccup": occupancy}
    frame |= {"Latitude": latitude, "Longitude": longitude}
    frame["MedHouseVal"] = value * random.lognormal(0, 0.15, rows)
    return pandas.DataFrame(frame)


def _penguins() -> pandas.DataFrame:
    """Three species, of measures with gaps and names."""
    from palmerpenguins import load_penguins

    return load_penguins()


def _taxi() -> pandas.DataFrame:
    """The sample as a plain file: without what its description says by hand."""
    files = sorted((ROOT / "data" / "taxi").glob("span-*/*.csv"))
    frame = pandas.concat(pandas.read_csv(file) for file in files)
    frame["generous"] = np.where(frame["tips"] > 0.2 * frame["fare"], "yes", "no")
    return frame.drop(columns="tips")


DATA: dict[str, Callable[[], pandas.DataFrame]] = {
    "breast-cancer": _shipped("breast_cancer"),
    "wine": _shipped("wine"),
    "iris": _shipped("iris"),
    "digits": _shipped("digits"),
    "diabetes": _shipped("diabetes"),
    "customers": _customers,
    "houses": _houses,
    "penguins": _penguins,
    "taxi": _taxi,
}
LABELS = {"penguins": "species"}  # where init would take another column
