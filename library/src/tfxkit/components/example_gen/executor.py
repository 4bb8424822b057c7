"""The executor of SpanExampleGen: a file, a part of one or a span becomes a shard of each split."""

from __future__ import annotations

import logging
import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from tfxkit.components.example_gen import outcomes, parts, reading, shards, spans
from tfxkit.components.example_gen.driver import (
    custom_config,
    reader_of,
    resolve,
    settled_versions,
)
from tfxkit.components.example_gen.parts import Part, Source
from tfxkit.components.example_gen.reader import Reader
from tfxkit.components.example_gen.row_starts import Look
from tfxkit.components.example_gen.splits import BoundSplits, HashSplits, Splits
from tfxkit.components.example_gen.writer import Columns, Writer
from tfxkit.config.csv_format import CsvFormat
from tfxkit.config.split_at import SplitAt
from tfxkit.storage.examples_artifact import LEFT_OUT, OUTCOMES, READER_PROPERTY


class SpanExecutor(base_beam_executor.BaseBeamExecutor):
    """Reads the spans and writes their rows, in their order, into splits.

    Attributes:
        resolve_spans: Called in the place of the driver where there is none, as on Kubeflow.
    """

    resolve_spans = staticmethod(resolve)

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
            DataError: If data cannot be read as the schema says, or a span or split has no rows.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        wanted = _proto(exec_properties, specs.RANGE_CONFIG_KEY, range_config_pb2.RangeConfig())
        columns, splits = _columns(exec_properties), _splits(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[specs.EXAMPLES_KEY])
        shards.remove_earlier(examples.uri)
        if reader := reader_of(exec_properties):
            numbers = list(reader.select(wanted))
            writer = Writer(columns, splits, examples.uri, num_shards=len(numbers))
            with self._make_beam_pipeline() as pipeline:
                _write_spans(pipeline, reader, numbers, writer)
            examples.set_string_custom_property(READER_PROPERTY, reader.module)
        else:
            base = exec_properties[specs.INPUT_BASE_KEY]
            files = spans.select(base, wanted, settled_versions(exec_properties)).files
            sources = parts.sources(files, columns.csv)
            num_shards = sum(source.parts for source in sources)
            with self._make_beam_pipeline() as pipeline:
                _write_files(pipeline, sources, Writer(columns, splits, examples.uri, num_shards))
        shards.remove_temporary(examples.uri)
        left_out = outcomes.check(os.path.join(examples.uri, OUTCOMES), splits)
        if left_out:
            logging.warning("%d rows without a label are left out", left_out)
        examples.set_int_custom_property(LEFT_OUT, left_out)
        examples.split_names = artifact_utils.encode_split_names(list(splits.names))
        examples_utils.set_payload_format(examples, exec_properties[specs.OUTPUT_DATA_FORMAT_KEY])
        examples_utils.set_file_format(examples, "tfrecords_gzip")


def _write_spans(
    pipeline: beam.Pipeline, reader: Reader, numbers: Sequence[int], writer: Writer
) -> None:
    """Reads each span in one worker: a reader cannot begin in the middle of its rows."""
    _ = (
        pipeline
        | "Spans" >> _spread(list(enumerate(numbers)))
        | "WriteShards" >> beam.MapTuple(lambda shard, span: writer.span(reader, span, shard))
        | "Outcomes" >> beam.combiners.ToList()
        | "WriteOutcomes" >> beam.Map(outcomes.write, os.path.join(writer.uri, OUTCOMES))
    )


def _write_files(pipeline: beam.Pipeline, sources: Sequence[Source], writer: Writer) -> None:
    """Reads each file in one worker, or in several if it is large."""
    csv, types = writer.columns.csv, writer.columns.types
    guessed = (
        pipeline
        | "Files" >> _spread([source.path for source in sources])
        | "GuessTypes" >> beam.Map(lambda path: reading.guess_types(path, types, csv))
        | "WidestTypes" >> beam.CombineGlobally(reading.widest_types)
    )
    types_of_others = beam.pvalue.AsSingleton(guessed)
    _ = (
        _parts(pipeline, sources, csv)
        | "WriteShards" >> beam.Map(writer.part, types_of_others)
        | "OutcomesOfFiles" >> beam.CombinePerKey(outcomes.merged)
        | "ExplainErrors" >> beam.Map(writer.explained, types_of_others)
        | "Outcomes" >> beam.combiners.ToList()
        | "WriteOutcomes" >> beam.Map(outcomes.write, os.path.join(writer.uri, OUTCOMES))
    )


def _parts(
    pipeline: beam.Pipeline, sources: Sequence[Source], csv: CsvFormat
) -> beam.PCollection[tuple[Source, int, Part | None]]:
    """What is to be read, as `Writer.part` takes it."""
    to_cut = [source for source in sources if source.is_cut]
    ready = [
        (source, number, Part(number, source.parts) if source.parts > 1 else None)
        for source in sources
        if not source.is_cut
        for number in range(source.parts)
    ]
    if not to_cut:
        return pipeline | "Parts" >> _spread(ready)
    ranges = [(source, number) for source in to_cut for number in range(source.parts)]
    cut = (
        pipeline
        | "Ranges" >> _spread(ranges)
        | "Look" >> beam.MapTuple(lambda source, n: (source, (n, parts.look(source, n, csv))))
        | "LooksAtFiles" >> beam.GroupByKey()
        | "Cut" >> beam.FlatMapTuple(_cut)
    )
    return (
        (pipeline | "Parts" >> beam.Create(ready), cut)
        | beam.Flatten()
        | "SpreadParts" >> beam.Reshuffle()
    )


def _cut(
    source: Source, looks: Iterable[tuple[int, Look | None]]
) -> Iterator[tuple[Source, int, Part | None]]:
    in_order = [look for _, look in sorted(looks, key=operator.itemgetter(0))]
    for number, part in enumerate(parts.cut(source, in_order)):
        yield source, number, part


@beam.ptransform_fn
def _spread(pipeline: beam.Pipeline, elements: Sequence[Any]) -> beam.PCollection[Any]:
    """Without Reshuffle a runner may fuse the steps and read all files in one worker."""
    return pipeline | beam.Create(elements) | beam.Reshuffle()


def _splits(exec_properties: dict[str, Any]) -> Splits:
    output = _proto(exec_properties, specs.OUTPUT_CONFIG_KEY, example_gen_pb2.Output())
    config = output.split_config
    if at := custom_config(exec_properties)["split_at"]:
        names = tuple(split.name for split in config.splits)
        return BoundSplits(names, SplitAt.model_validate_json(at))
    buckets = {split.name: split.hash_buckets for split in config.splits}
    return HashSplits(buckets, config.partition_feature_name or None)


def _columns(exec_properties: dict[str, Any]) -> Columns:
    config = custom_config(exec_properties)
    csv = CsvFormat.model_validate(config["csv"])
    return Columns(config["types"], csv, tuple(config["required"]))


def _proto(exec_properties: dict[str, Any], key: str, message: Any) -> Any:
    return proto_utils.json_to_proto(exec_properties[key], message)
