"""The training of the model: the loss of each epoch, and the best epoch."""

from __future__ import annotations

import dataclasses

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from tfxkit.report.figures import INK, MODEL, SERVED, axes, svg
from tfxkit.report.run import Run


@dataclasses.dataclass(frozen=True)
class TrainingSection:
    """Section `training` of the page.

    Attributes:
        svg: The curves.
        epochs: Number of epochs.
        most: Maximum number of epochs.
        best: The epoch whose weights are kept, from 1.
        seconds: Of the fit alone.
        parameters: Number of weights in the model.
        tuned: Hyperparameters from Tuner, as text; empty without a search.
        kept: True if the outcome is the served model itself.
    """

    svg: Markup
    epochs: int
    most: int
    best: int
    seconds: float
    parameters: int
    tuned: str
    kept: bool


def build_training(run: Run) -> TrainingSection | None:
    """Builds the section; None if no training finished."""
    record = run.training
    if record is None:
        return None
    history, best = record["history"], record["best_epoch"]
    tuned = record.get("hyperparameters", {})
    epochs = range(1, len(history["loss"]) + 1)
    marker = "." if len(epochs) <= 40 else ""  # noqa: PLR2004
    with axes("epoch", "loss") as pair:
        pair.plot(epochs, history["loss"], color=SERVED, linestyle="--", marker=marker)
        pair.plot(epochs, history["val_loss"], color=MODEL, marker=marker)
        pair.axvline(best, color=INK, linewidth=0.8, linestyle=":")
        pair.xaxis.set_major_locator(MaxNLocator(integer=True))
        kept, end = history["val_loss"][best - 1], history["loss"][-1]
        text = (
            f"Held-out loss is {kept:.4g} in epoch {best}, which is kept. Training loss ends at "
            f"{end:.4g}."
        )
        picture = svg(pair, "loss", "Loss by epoch", text)
    return TrainingSection(
        svg=picture,
        epochs=record["epochs"],
        most=run.summary.config["train"]["epochs"],
        best=best,
        seconds=record["seconds"],
        parameters=record["parameters"],
        tuned=", ".join(f"{name} {value:.4g}" for name, value in tuned.items()),
        kept=run.is_served,
    )
