"""What TFMA extracts from the examples: its defaults, less the rows without a label.

The Evaluator finds `custom_extractors` here by its name.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma


def custom_extractors(
    eval_shared_model: Any, eval_config: Any, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's default extractors, with a filter before the last.

    That is the one that finds the slices of a row; TFMA measures what comes out of it. A list
    without UnbatchExtractor, which comes before, would slice whole batches.
    """
    *others, slice_keys = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    drop = tfma.extractors.Extractor("DropUnlabelled", beam.Filter(_has_label))
    return [*others, drop, slice_keys]


def _has_label(extracts: dict[str, Any]) -> bool:
    """A class below 0 or a NaN stands for no label, see `models.label`."""
    labels = extracts[tfma.LABELS_KEY]
    # Several models have the same label, each under its name.
    label = np.asarray(next(iter(labels.values())) if isinstance(labels, dict) else labels)
    if np.issubdtype(label.dtype, np.integer):
        return bool(np.all(label >= 0))
    return not np.isnan(label.astype(np.float64)).any()
