"""What the serving check found, and how it is written into the blessing."""

from __future__ import annotations

import dataclasses
import json
import os

from tfx import types
from tfx.utils import io_utils

RESULT_FILE = "serving_check.json"


@dataclasses.dataclass
class Result:
    """The content of `serving_check.json`; what is None was not reached.

    Attributes:
        blessed: Whether the model may be pushed.
        reason: Why not, in one sentence.
        size_mb: Of the model's files, in MiB.
        num_examples: How many were sent.
        load_seconds: To load the SavedModel.
        first_answer_ms: For the first request after that, of all examples.
        latency_ms: For one example, median of the requests that follow.
        fastest_ms: The fastest of these, which is compared with the limit.
        processor_ms: Processor time that the fastest took; less than `fastest_ms` if it waited.
        batch_latency_ms: For all examples at once, likewise.
        peak_memory_mb: Resident memory of the process that served, in MiB.
        largest_difference: From the predictions of the model rebuilt from code and weights.
    """

    blessed: bool = False
    reason: str | None = None
    size_mb: float | None = None
    num_examples: int = 0
    load_seconds: float | None = None
    first_answer_ms: float | None = None
    latency_ms: float | None = None
    fastest_ms: float | None = None
    processor_ms: float | None = None
    batch_latency_ms: float | None = None
    peak_memory_mb: float | None = None
    largest_difference: float | None = None

    def write(self, blessing: types.Artifact) -> None:
        """Writes an `InfraBlessing` as TFX's InfraValidator does, and the result beside it."""
        blessing.set_int_custom_property("blessed", int(self.blessed))
        blessing.set_int_custom_property("num_examples", self.num_examples)
        if self.reason is not None:
            blessing.set_string_custom_property("reason", self.reason)
        for name in ("load_seconds", "latency_ms", "peak_memory_mb", "largest_difference"):
            value = getattr(self, name)
            if value is not None:
                blessing.set_float_custom_property(name, value)
        marker = "INFRA_BLESSED" if self.blessed else "INFRA_NOT_BLESSED"
        io_utils.write_string_file(os.path.join(blessing.uri, marker), "")
        text = json.dumps(dataclasses.asdict(self), indent=2, allow_nan=False)
        io_utils.write_string_file(os.path.join(blessing.uri, RESULT_FILE), text + "\n")
