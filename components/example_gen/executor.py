"""The executor of SpanExampleGen: each file becomes a shard of each split, on any Beam runner."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import pyarrow as pa
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from components.delivery import OUTCOMES
from components.errors import DataError
from components.example_gen import outcomes, reading, shards, spans
from components.example_gen.driver import settled_versions
from components.example_gen.encoding import encode_batch
from components.example_gen.outcomes import LEFT_OUT
from components.example_gen.repeats import Repeats
from components.example_gen.required import Required
from components.example_gen.splits import BoundSplits, HashSplits, Splits, row_hash
from models.csv_format import CsvFormat
from models.split_at import SplitAt


class SpanExecutor(base_beam_executor.BaseBeamExecutor):
    """Reads the files of the spans and writes their rows, in their order, into splits."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the Examples artifact.

        Args:
            input_dict: Empty.
            output_dict: `examples`, one artifact: gzipped TFRecords of `tf.Example`, by split.
            exec_properties: As SpanExampleGen sets them; spans as the driver resolved them.

        Raises:
            DataError: If a file cannot be read as the schema says, or a span or split has no rows.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        wanted = _proto(exec_properties, specs.RANGE_CONFIG_KEY, range_config_pb2.RangeConfig())
        versions = settled_versions(exec_properties)
        files = spans.select(exec_properties[specs.INPUT_BASE_KEY], wanted, versions).files
        splits = _splits(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[specs.EXAMPLES_KEY])
        with self._make_beam_pipeline() as pipeline:
            _write(pipeline, files, _columns(exec_properties), splits, examples.uri)
        shards.remove_temporary(examples.uri)
        left_out = outcomes.check(os.path.join(examples.uri, OUTCOMES), splits)
        if left_out:
            logging.warning("%d rows without a label are left out", left_out)
        examples.set_int_custom_property(LEFT_OUT, left_out)
        examples.split_names = artifact_utils.encode_split_names(list(splits.names))
        examples_utils.set_payload_format(examples, exec_properties[specs.OUTPUT_DATA_FORMAT_KEY])
        examples_utils.set_file_format(examples, "tfrecords_gzip")


@dataclasses.dataclass(frozen=True)
class _Columns:
    types: Mapping[str, str]
    csv: CsvFormat
    required: tuple[str, ...]


class _WriteShards(beam.DoFn):
    """Reads a file and writes its shards; a DataError is an outcome and not an exception.

    Beam turns exceptions of a worker into a RuntimeError that holds a traceback as text.
    """

    def __init__(
        self,
        columns: _Columns,
        splits: Splits,
        uri: str,
        num_shards: int,
    ) -> None:
        self._columns = columns
        self._splits = splits
        self._uri = uri
        self._num_shards = num_shards

    def process(
        self, element: tuple[int, str], guessed: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        shard, path = element
        batches = reading.read_batches(path, self._columns.types, self._columns.csv, guessed)
        required, repeats = Required(self._columns.required), Repeats()
        kept = map(required, batches)
        outcome: dict[str, Any] = {"file": path, "rows": {}, LEFT_OUT: 0, "error": None}
        try:
            outcome["rows"] = shards.write_shards(
                (self._dealt(batch, repeats, path) for batch in kept),
                self._splits.names,
                self._uri,
                shard,
                self._num_shards,
            )
        except DataError as error:
            outcome["error"] = str(error)
        outcome |= {LEFT_OUT: required.left_out, "sketch": repeats.sketch()}
        yield outcome

    def _dealt(
        self, batch: pa.RecordBatch, repeats: Repeats, path: str
    ) -> Iterable[tuple[str, bytes]]:
        """The rows of a batch with their splits; each row is hashed once."""
        rows = encode_batch(batch).to_pylist()
        hashes = list(map(row_hash, rows))
        repeats.add_all(hashes)
        return zip(self._splits.of(batch, hashes, path), rows, strict=True)


def _write(
    pipeline: beam.Pipeline,
    files: tuple[str, ...],
    columns: _Columns,
    splits: Splits,
    uri: str,
) -> None:
    # Without Reshuffle a runner may fuse the steps and read all files in one worker.
    sources = pipeline | "Files" >> beam.Create(list(enumerate(files))) | beam.Reshuffle()
    guessed = (
        sources
        | "GuessTypes"
        >> beam.Map(lambda element: reading.guess_types(element[1], columns.types, columns.csv))
        | "WidestTypes" >> beam.CombineGlobally(reading.widest_types)
    )
    _ = (
        sources
        | "WriteShards"
        >> beam.ParDo(
            _WriteShards(columns, splits, uri, len(files)), beam.pvalue.AsSingleton(guessed)
        )
        | "Outcomes" >> beam.combiners.ToList()
        | "WriteOutcomes" >> beam.Map(outcomes.write, os.path.join(uri, OUTCOMES))
    )


def _splits(exec_properties: dict[str, Any]) -> Splits:
    output = _proto(exec_properties, specs.OUTPUT_CONFIG_KEY, example_gen_pb2.Output())
    config = output.split_config
    if at := _custom_config(exec_properties)["split_at"]:
        names = tuple(split.name for split in config.splits)
        return BoundSplits(names, SplitAt.model_validate_json(at))
    buckets = {split.name: split.hash_buckets for split in config.splits}
    return HashSplits(buckets, config.partition_feature_name or None)


def _columns(exec_properties: dict[str, Any]) -> _Columns:
    config = _custom_config(exec_properties)
    csv = CsvFormat.model_validate(config["csv"])
    return _Columns(config["types"], csv, tuple(config["required"]))


def _custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    custom = _proto(exec_properties, specs.CUSTOM_CONFIG_KEY, example_gen_pb2.CustomConfig())
    packed = struct_pb2.Struct()
    custom.custom_config.Unpack(packed)
    return json_format.MessageToDict(packed)


def _proto(exec_properties: dict[str, Any], key: str, message: Any) -> Any:
    return proto_utils.json_to_proto(exec_properties[key], message)
