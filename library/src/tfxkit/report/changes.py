"""Changes between two runs: quality, data, configuration, code, steps."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tfxkit.evaluation import COUNTS, SliceResult
from tfxkit.metrics.catalogue import better, renamed
from tfxkit.report.bootstrap import WHOLE, Interval
from tfxkit.report.data import (
    ColumnDrift,
    ColumnHistogram,
    ColumnNumbers,
    column_drift,
    column_numbers,
    column_role,
    draw_histogram,
    row_count,
    statistics_by_split,
    value_formatter,
)
from tfxkit.report.origin import data_fingerprints, mask_secrets
from tfxkit.report.quality import FEWEST_ROWS, MetricRow, deciding_first, thresholds_shown
from tfxkit.report.run import Run, RunPair
from tfxkit.runs.lineage import code_hash_of
from tfxkit.runs.summary import State, Step, Summary
from tfxkit.storage.artifacts import ColumnStatistics

_ORDER = {"worse": 0, "better": 1, "unclear": 2, "undirected": 2}
_MOST_COLUMNS = 10
_SPLIT = "train"
_NOT_SET = "not set"
_ARGUMENTS = {"from": "--from", "to": "--to"}

# Name, older value, newer value.
Change = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class SliceChange:
    """A slice that both runs have, by the metric that slices are compared by.

    Attributes:
        name: Such as `payment_type: Cash`.
        older_rows, newer_rows: Number of rows of the eval split in the slice.
        older, newer: The metric.
        interval: Of the change.
        moved: `better`, `worse` or `unclear`, by the interval.
    """

    name: str
    older_rows: int
    newer_rows: int
    older: float | None
    newer: float | None
    interval: Interval | None
    moved: str

    @property
    def change(self) -> float | None:
        """Newer less older."""
        return None if self.older is None or self.newer is None else self.newer - self.older


@dataclasses.dataclass(frozen=True)
class ThresholdChange:
    """A threshold in both runs: its outcome (None: not configured), and a description."""

    name: str
    older: bool | None
    newer: bool | None
    older_detail: str
    newer_detail: str

    @property
    def moved(self) -> bool:
        """True if the outcome has changed."""
        return self.older is not self.newer


@dataclasses.dataclass(frozen=True)
class QualityChanges:
    """Section `quality`.

    Attributes:
        rows: Metrics of the whole; `served` is the older value, `value` the newer one.
        older_rows, newer_rows: Number of rows that were evaluated.
        every: Sampling interval of the rows behind the confidence intervals.
        by: The metric that slices are compared by.
        clear: Slices that got worse, then those that got better, by their intervals.
        unclear: The other slices with enough rows.
        small: Number of slices with too few rows to judge.
        fewest: Minimum number of rows of a slice that is judged.
        only_older, only_newer: Slices that the other run does not have.
        thresholds: Of both runs.
    """

    rows: list[MetricRow]
    older_rows: int
    newer_rows: int
    every: int
    by: str
    clear: list[SliceChange]
    unclear: list[SliceChange]
    small: int
    fewest: int
    only_older: list[str]
    only_newer: list[str]
    thresholds: list[ThresholdChange]

    def slices(self, moved: str) -> list[SliceChange]:
        """Slices that clearly got `better`, or `worse`."""
        return [row for row in self.clear if row.moved == moved]


@dataclasses.dataclass(frozen=True)
class ColumnChange:
    """A column in the training data of both runs.

    Attributes:
        name: Of the column.
        role: In the newer run.
        histogram: Bars for the older run, an outline for the newer one.
        moved: The largest distance of all splits; None if the column cannot be compared.
        older, newer: Its numbers.
    """

    name: str
    role: str
    histogram: ColumnHistogram
    moved: ColumnDrift | None
    older: ColumnNumbers
    newer: ColumnNumbers

    @property
    def distance(self) -> float:
        """Distance to sort by; columns that cannot be compared come first."""
        return 2.0 if self.moved is None else self.moved.distance


@dataclasses.dataclass(frozen=True)
class DataChanges:
    """Section `data`.

    Attributes:
        spans: Of the older and of the newer run, in words.
        rows: By split: older, newer.
        fingerprints: Name, older, newer.
        moved: The columns that moved most, the largest distance first.
        more: Number of further columns that moved.
        still: Number of columns that did not move.
        only_older, only_newer: Columns that the other run does not have.
        compared: True if the statistics of both runs are available.
        warnings: Warnings of the data gate in the newer run only, and in the older one only.
    """

    spans: tuple[str, str]
    rows: Mapping[str, tuple[int, int]]
    fingerprints: list[Change]
    moved: list[ColumnChange]
    more: int
    still: int
    only_older: list[str]
    only_newer: list[str]
    compared: bool
    warnings: tuple[list[str], list[str]]

    @property
    def changed(self) -> bool:
        """True if spans or a fingerprint differ."""
        return self.spans[0] != self.spans[1] or any(a != b for _, a, b in self.fingerprints)


@dataclasses.dataclass(frozen=True)
class SettingsChanges:
    """Section `settings`.

    Attributes:
        config: The keys with different values, those of secret keys masked.
        same_keys: Number of keys with the same value in both.
        commits: Of the older and the newer run.
        code: The steps that ran different code, by the hash of the project's code in each.
        same_code: Number of steps that ran the same code.
        versions: The packages with different versions.
    """

    config: list[Change]
    same_keys: int
    commits: tuple[str, str]
    code: list[Change]
    same_code: int
    versions: list[Change]


@dataclasses.dataclass(frozen=True)
class StepChange:
    """A step in both runs; None where a run does not have it."""

    name: str
    older: Step | None
    newer: Step | None

    @property
    def seconds(self) -> float | None:
        """Difference in seconds, newer less older; None unless both ran."""
        ran = [step for step in (self.older, self.newer) if step and step.state is State.RUN]
        return ran[1].seconds - ran[0].seconds if ran[1:] else None


def compare_quality(pair: RunPair) -> QualityChanges:
    """Compares metrics, slices and thresholds."""
    older, newer = pair.older.summary, pair.newer.summary
    changes = pair.changes.get(WHOLE, {})
    evaluation = pair.newer.dataset.evaluation
    served = _current_names(pair, older.metrics)
    rows = [
        MetricRow(
            name=name,
            value=value,
            interval=None,
            served=served.get(name),
            change=changes.get(name),
            better=better(evaluation, name),
            thresholds=thresholds_shown(pair.newer, name),
        )
        for name, value in newer.metrics.items()
        if name not in COUNTS
    ]
    rows = deciding_first(pair.newer, rows)
    worst = evaluation.worst_slice
    directed = (row.name for row in rows if row.has_direction)
    by = worst.metric if worst else next(directed, rows[0].name if rows else "")
    fewest = worst.min_examples if worst else FEWEST_ROWS
    before = {result.slice: result for result in older.slices}
    after = {result.slice: result for result in newer.slices}
    slices = [
        _slice_change(pair, by, before[name], after[name]) for name in after if name in before
    ]
    large = [row for row in slices if min(row.older_rows, row.newer_rows) >= fewest]
    large.sort(key=lambda row: (_ORDER[row.moved], -abs(row.change or 0.0), row.name))
    clear = [row for row in large if row.moved in ("better", "worse")]
    return QualityChanges(
        rows=rows,
        older_rows=older.evaluated_rows,
        newer_rows=newer.evaluated_rows,
        every=pair.newer.eval_rows.every if pair.has_predictions and pair.newer.eval_rows else 1,
        by=by,
        clear=clear,
        unclear=[row for row in large if row not in clear],
        small=len(slices) - len(large),
        fewest=fewest,
        only_older=sorted(before.keys() - after.keys()),
        only_newer=sorted(after.keys() - before.keys()),
        thresholds=threshold_changes(older, newer),
    )


def compare_data(pair: RunPair) -> DataChanges:
    """Compares spans, rows, fingerprints and the distributions of the columns."""
    older, newer = pair.older, pair.newer
    fingerprints = [_fingerprints(run) for run in (older, newer)]
    before, after = _statistics(older), _statistics(newer)
    columns = _column_changes(newer, before, after)
    moved = sorted(
        (column for column in columns if column.distance > 0), key=lambda column: -column.distance
    )
    sides = [before.get(_SPLIT, {}), after.get(_SPLIT, {})]
    gates = [run.summary.data_gate for run in (older, newer)]
    return DataChanges(
        spans=(_spans(older), _spans(newer)),
        rows={
            split: (row_count(before.get(split, {})), row_count(after.get(split, {})))
            for split in sorted(before.keys() | after.keys(), reverse=True)
        },
        fingerprints=[
            (name, fingerprints[0].get(name, ""), fingerprints[1].get(name, ""))
            for name in {**fingerprints[0], **fingerprints[1]}
        ],
        moved=moved[:_MOST_COLUMNS],
        more=len(moved[_MOST_COLUMNS:]),
        still=len(columns) - len(moved),
        only_older=sorted(sides[0].keys() - sides[1].keys()),
        only_newer=sorted(sides[1].keys() - sides[0].keys()),
        compared=bool(before and after),
        warnings=(
            [line for line in gates[1] if line not in gates[0]],
            [line for line in gates[0] if line not in gates[1]],
        ),
    )


def compare_settings(pair: RunPair) -> SettingsChanges:
    """Compares configuration, code and versions."""
    older, newer = pair.older.summary, pair.newer.summary
    config, same_keys = key_changes(older, newer)
    hashes = [
        {name: code_hash_of(step.parameters) for name, step in run.steps.items()}
        for run in (pair.older, pair.newer)
    ]
    both = [name for name in hashes[1] if hashes[0].get(name) and hashes[1][name]]
    different = [name for name in both if hashes[0][name] != hashes[1][name]]
    return SettingsChanges(
        config=config,
        same_keys=same_keys,
        commits=(older.commit or "not known", newer.commit or "not known"),
        code=[(name, str(hashes[0][name]), str(hashes[1][name])) for name in different],
        same_code=len(both) - len(different),
        versions=[
            (name, older.versions.get(name, "–"), newer.versions.get(name, "–"))
            for name in {**older.versions, **newer.versions}
            if older.versions.get(name) != newer.versions.get(name)
        ],
    )


def compare_steps(pair: RunPair) -> list[StepChange]:
    """Compares the steps, in the order of the newer run."""
    older = {step.name: step for step in pair.older.summary.steps}
    newer = {step.name: step for step in pair.newer.summary.steps}
    return [StepChange(name, older.get(name), newer.get(name)) for name in {**newer, **older}]


def threshold_changes(older: Summary, newer: Summary) -> list[ThresholdChange]:
    """Thresholds of either run, with the outcome in both."""
    before, after = _threshold_outcomes(older), _threshold_outcomes(newer)
    missing = (None, "")
    changes = []
    for name in {**after, **before}:
        (held, old_detail), (holds, detail) = before.get(name, missing), after.get(name, missing)
        changes.append(ThresholdChange(name, held, holds, old_detail, detail))
    return changes


def key_changes(older: Summary, newer: Summary) -> tuple[list[Change], int]:
    """Keys of the configuration whose values differ, and the number of all other keys.

    Secret values are masked, so both sides may look alike.
    """
    before, after = dict(_values(older)), dict(_values(newer))
    keys = {**before, **after}
    changed = [
        (key, _text(before, key), _text(after, key))
        for key in keys
        if (key in before, before.get(key, (None,))[0])
        != (key in after, after.get(key, (None,))[0])
    ]
    return changed, len(keys) - len(changed)


def _slice_change(pair: RunPair, by: str, older: SliceResult, newer: SliceResult) -> SliceChange:
    interval = pair.changes.get(newer.slice, {}).get(by)
    before, after = _current_names(pair, older.metrics).get(by), newer.metrics.get(by)
    direction = better(pair.newer.dataset.evaluation, by)
    return SliceChange(
        name=newer.slice,
        older_rows=older.examples or 0,
        newer_rows=newer.examples or 0,
        older=before,
        newer=after,
        interval=interval,
        moved=MetricRow(by, after, None, before, interval, direction, ()).moved,
    )


def _current_names(pair: RunPair, metrics: dict[str, float | None]) -> dict[str, float | None]:
    """Metrics of the older run under their current names."""
    return {renamed(pair.older.dataset.task, name): value for name, value in metrics.items()}


def _threshold_outcomes(summary: Summary) -> dict[str, tuple[bool | None, str]]:
    outcomes: dict[str, tuple[bool | None, str]] = {
        check.name: (check.passed, check.detail) for check in summary.thresholds
    }
    if check := summary.serving_check:
        detail = (
            f"one row takes {check['latency_ms']:.1f} ms, {check['peak_memory_mb']:.0f} MB"
            if check["blessed"]
            else str(check["reason"])
        )
        outcomes["serving check"] = bool(check["blessed"]), detail
    return outcomes


def _fingerprints(run: Run) -> dict[str, str]:
    """Fingerprints of the data; empty if an artifact is gone."""
    try:
        return data_fingerprints(run)
    except OSError:
        return {}


def _statistics(run: Run) -> dict[str, ColumnStatistics]:
    """Statistics by split; empty if the artifact is gone."""
    artifact = run.artifact("StatisticsGen", "statistics")
    try:
        return statistics_by_split(artifact) if artifact else {}
    except OSError:
        return {}


def _column_changes(
    newer: Run, before: Mapping[str, ColumnStatistics], after: Mapping[str, ColumnStatistics]
) -> list[ColumnChange]:
    old, new = before.get(_SPLIT, {}), after.get(_SPLIT, {})
    columns = []
    for name in new:
        if name not in old:
            continue
        write = value_formatter(newer, name)
        columns.append(
            ColumnChange(
                name=name,
                role=column_role(newer, name),
                histogram=draw_histogram({"older": old[name], "newer": new[name]}, write),
                moved=column_drift(newer, name, after, before),
                older=column_numbers(old[name], write),
                newer=column_numbers(new[name], write),
            )
        )
    return columns


def _spans(run: Run) -> str:
    return ", ".join(map(str, run.summary.spans))


def _values(summary: Summary) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Dotted key -> value, and value to show."""
    shown = dict(_leaves(mask_secrets(summary.config)))
    for key, value in _leaves(summary.config):
        yield key, (value, shown[key])
    for name, option in _ARGUMENTS.items():
        if value := summary.arguments.get(name):
            yield option, (value, value)


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def _text(values: dict[str, tuple[Any, Any]], key: str) -> str:
    if key not in values:
        return _NOT_SET
    shown = values[key][1]
    return shown if isinstance(shown, str) and shown else json.dumps(shown, ensure_ascii=False)
