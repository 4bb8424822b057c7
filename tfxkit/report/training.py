"""How the training went: the loss of each epoch, and which was the best."""

from __future__ import annotations

import dataclasses

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from tfxkit.report.figures import INK, MODEL, SERVED, axes, svg
from tfxkit.report.run import Run


@dataclasses.dataclass(frozen=True)
class Training:
    """The section.

    Attributes:
        svg: The curves.
        epochs: How many there were.
        most: How many there might have been.
        best: The one whose weights are kept, from 1.
        seconds: Of the fit alone.
        parameters: How many weights the model has.
        tuned: Settings that Tuner found, as text; empty without a search.
        kept: Whether nothing was trained, since the served model is the outcome.
    """

    svg: Markup
    epochs: int
    most: int
    best: int
    seconds: float
    parameters: int
    tuned: str
    kept: bool


def make(run: Run) -> Training | None:
    """Draws the section; None if no training came to its end."""
    found = run.training
    if found is None:
        return None
    history, best = found["history"], found["best_epoch"]
    tuned = found.get("hyperparameters", {})
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
    return Training(
        svg=picture,
        epochs=found["epochs"],
        most=run.summary.config["train"]["epochs"],
        best=best,
        seconds=found["seconds"],
        parameters=found["parameters"],
        tuned=", ".join(f"{name} {value:.4g}" for name, value in tuned.items()),
        kept=run.is_served,
    )
