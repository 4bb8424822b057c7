"""SpanExampleGen: TFX's FileBasedExampleGen for spans of files or a custom reader.

The driver resolves the spans of a run and adds them to the cache key. The executor turns each file,
each part of a large one, or each span of a reader into one shard of each split.
"""

from __future__ import annotations

import json
import logging
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from google.protobuf import json_format, struct_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.example_gen import component, driver, utils
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor, executor_spec
from tfx.orchestration.portable import data_types
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from tfxkit.components.example_gen import outcomes, spans, tables
from tfxkit.components.example_gen.files import (
    DataFile,
    Part,
    RangeScan,
    cut_file,
    data_files,
    scan_range,
)
from tfxkit.components.example_gen.reader import Reader, fingerprint_spans
from tfxkit.components.example_gen.spans import PATTERN, range_config
from tfxkit.components.example_gen.splits import BoundSplits, HashSplits, Splits
from tfxkit.components.example_gen.writer import (
    RowFormat,
    ShardWriter,
    remove_earlier,
    remove_temporary,
)
from tfxkit.config.data import PLAIN_CSV, ColumnFormat, CsvFormat, SplitAt
from tfxkit.storage.artifacts import (
    LEFT_OUT,
    OUTCOMES,
    READER_PROPERTY,
    READING,
    SPANS_PROPERTY,
    VERSIONS_PROPERTY,
)
from tfxkit.storage.filesystems import fileio
from tfxkit.storage.step_cache import code_hash
from tfxkit.values.reading import Reading

_NO_OPTIONS: Mapping[str, Any] = {}
_NO_COLUMNS: Mapping[str, ColumnFormat] = {}

# Results of `resolve_spans` that TFX does not put on the artifact.
_LIST_PROPERTIES = frozenset({SPANS_PROPERTY, VERSIONS_PROPERTY})


class SpanDriver(driver.FileBasedDriver):
    """Resolves the spans before the cache lookup."""

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Calls `resolve_spans`, as TFX's driver expects."""
        del pipeline_info, component_info
        return resolve_spans(exec_properties)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Sets the lists on the artifact, beside span, version and fingerprint that TFX sets."""
        result = super().run(execution_info)
        for examples in result.output_artifacts[specs.EXAMPLES_KEY].artifacts:
            for name in _LIST_PROPERTIES & result.exec_properties.keys():
                examples.custom_properties[name].CopyFrom(result.exec_properties[name])
        return result


def resolve_spans(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Finds the spans of a run, and a fingerprint of their content, without a metadata store.

    The cache compares exec properties (tfx 1.21, orchestration/portable/cache_utils.py), so other
    spans or changed content make a new execution, and the same ones do not.

    Args:
        exec_properties: As SpanExampleGen sets them. The range may also be a text for
            `spans.range_config`, as a parameter of a run is.

    Returns:
        The same with `spans`, `span` (the newest), their `versions` and its `version` (None without
        versions) and `input_fingerprint`. The range is static, so that the executor reads these
        spans and versions even if a newer one arrives meanwhile.

    Raises:
        DataError: If spans are missing or unreadable.
    """
    text = exec_properties[specs.RANGE_CONFIG_KEY]
    wanted = (
        proto_utils.json_to_proto(text, range_config_pb2.RangeConfig())
        if text.startswith("{")
        else spans.range_config(text)
    )
    numbers: tuple[int, ...]
    versions: tuple[int | None, ...]
    if source := reader_of(exec_properties):
        chosen = source.select(wanted)
        numbers, versions = tuple(chosen), (None,) * len(chosen)
        fingerprint = fingerprint_spans(chosen)
    else:
        base = exec_properties[specs.INPUT_BASE_KEY]
        selection = spans.select(base, wanted, settled_versions(exec_properties))
        numbers, versions = selection.spans, selection.versions
        fingerprint = spans.fingerprint(selection)
    static = range_config_pb2.RangeConfig(
        static_range=range_config_pb2.StaticRange(
            start_span_number=numbers[0], end_span_number=numbers[-1]
        )
    )
    any_version = any(version is not None for version in versions)
    return {
        **exec_properties,
        specs.RANGE_CONFIG_KEY: proto_utils.proto_to_json(static),
        SPANS_PROPERTY: json.dumps(numbers),
        VERSIONS_PROPERTY: json.dumps(versions) if any_version else None,
        utils.SPAN_PROPERTY_NAME: numbers[-1],
        utils.VERSION_PROPERTY_NAME: versions[-1],
        utils.FINGERPRINT_PROPERTY_NAME: fingerprint,
    }


def reader_of(exec_properties: dict[str, Any]) -> Reader | None:
    """Reader of the project that supplies the rows; None if they come from files."""
    config = custom_config(exec_properties)
    if not config["reader"]:
        return None
    path, options = exec_properties[specs.INPUT_BASE_KEY], json.loads(config["reader_options"])
    return Reader(config["reader"], path, options)


def custom_config(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Settings of SpanExampleGen for which TFX's FileBasedExampleGen has no parameter."""
    custom = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[specs.CUSTOM_CONFIG_KEY], custom)
    packed = struct_pb2.Struct()
    custom.custom_config.Unpack(packed)
    return json_format.MessageToDict(packed)


def reading_of(exec_properties: dict[str, Any]) -> Reading:
    """Reading of the columns of the schema."""
    return Reading.model_validate_json(custom_config(exec_properties)["reading"])


def settled_versions(exec_properties: dict[str, Any]) -> list[int | None] | None:
    """Version of each span, once `resolve_spans` has set them."""
    versions = exec_properties.get(VERSIONS_PROPERTY)
    return json.loads(versions) if versions else None


class SpanExecutor(base_beam_executor.BaseBeamExecutor):
    """Writes the rows of the spans into splits, in their order.

    Attributes:
        resolve_spans: Replaces the driver where there is none, as on Kubeflow.
    """

    resolve_spans = staticmethod(resolve_spans)

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the Examples artifact.

        Args:
            input_dict: Empty.
            output_dict: `examples`, one artifact: gzipped TFRecords of `tf.Example`, by split, and
                the `Reading` of their columns in `reading.json`.
            exec_properties: Of SpanExampleGen, with the spans that the driver resolved.

        Raises:
            DataError: If data cannot be read with the types of the schema, or a span or split has
                no rows.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        wanted = _proto(exec_properties, specs.RANGE_CONFIG_KEY, range_config_pb2.RangeConfig())
        row_format, splits = _row_format(exec_properties), _splits(exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[specs.EXAMPLES_KEY])
        remove_earlier(examples.uri)
        if reader := reader_of(exec_properties):
            numbers = list(reader.select(wanted))
            writer = ShardWriter(row_format, splits, examples.uri, num_shards=len(numbers))
            with self._make_beam_pipeline() as pipeline:
                _write_spans(pipeline, reader, numbers, writer)
            examples.set_string_custom_property(READER_PROPERTY, reader.module)
        else:
            base = exec_properties[specs.INPUT_BASE_KEY]
            paths = spans.select(base, wanted, settled_versions(exec_properties)).files
            files = data_files(paths, row_format.csv)
            num_shards = sum(file.parts for file in files)
            writer = ShardWriter(row_format, splits, examples.uri, num_shards)
            with self._make_beam_pipeline() as pipeline:
                _write_files(pipeline, files, writer)
        remove_temporary(examples.uri)
        left_out = outcomes.check_outcomes(os.path.join(examples.uri, OUTCOMES), splits)
        with fileio.open(os.path.join(examples.uri, READING), "w") as file:
            file.write(row_format.reading.model_dump_json(indent=1))
        if left_out:
            logging.warning("%d rows without a label are left out", left_out)
        examples.set_int_custom_property(LEFT_OUT, left_out)
        examples.split_names = artifact_utils.encode_split_names(list(splits.names))
        examples_utils.set_payload_format(examples, exec_properties[specs.OUTPUT_DATA_FORMAT_KEY])
        examples_utils.set_file_format(examples, "tfrecords_gzip")


class SpanExampleGen(component.FileBasedExampleGen):
    """Turns the rows of one or several spans into one Examples artifact.

    Unlike `CsvExampleGen` it takes the types of the columns from the schema instead of inferring
    them for each span, reads several spans, and keeps the order of the rows: the same data gives
    the same bytes.

    Outputs:
        examples: `Examples` with the custom properties `spans` (a JSON list), `span` (the newest),
            `input_fingerprint` and `left_out` (a number of rows). Where spans have versions, also
            `versions` (one for each span, or null) and `version` (of the newest span); with a
            reader, also `reader`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(SpanExecutor)
    DRIVER_CLASS = SpanDriver

    def __init__(
        self,
        input_base: str,
        schema: schema_pb2.Schema,
        spans: str,
        splits: Mapping[str, int],
        *,
        csv: CsvFormat = PLAIN_CSV,
        columns: Mapping[str, ColumnFormat] = _NO_COLUMNS,
        required: Sequence[str] = (),
        split_by: str | None = None,
        split_at: SplitAt | None = None,
        reader: str | None = None,
        reader_options: Mapping[str, Any] = _NO_OPTIONS,
    ) -> None:
        """Constructs the component, with the id `ExampleGen`.

        Args:
            input_base: Folder with `span-1`, `span-2`, …, which hold files of CSV, JSON lines or
                Parquet (`files.SUFFIXES`), or folders `version-1`, `version-2`, … of such files
                (the newest is read). With a reader: the path that it takes.
            schema: Schema with the type of each column, and the spelling of truth values in its
                domain; nothing else of it is used.
            spans: `newest`, `all`, `last:<n>` or the number of a span.
            splits: Parts of each split, for instance `{"train": 2, "eval": 1}`. Rows are assigned
                by a hash of their content, unless `split_by` or `split_at` is set.
            csv: Dialect of CSV files; its missing words and decimal sign hold for text in any
                format.
            columns: Missing words and number formats of single columns.
            required: Rows without a value in one of these columns are left out, and counted.
            split_by: Column whose hash assigns rows to splits.
            split_at: Column and bounds that assign rows to splits, instead of the parts.
            reader: Dotted name of a module that yields the rows in place of files, see
                `tfxkit.components.example_gen.reader`. Its code is part of the cache key.
            reader_options: Keyword arguments of its functions; JSON-ready values.

        Raises:
            DataError: If `spans` is none of these, or the schema has a type that no column can
                have.
            ValueError: If the reader cannot be imported.
        """
        try:
            own_code = code_hash("tfxkit.components.example_gen", *([reader] if reader else []))
        except ModuleNotFoundError as error:
            raise ValueError(f"data.reader: {reader} cannot be imported: {error}") from error
        # Of the schema only the types and truth words, so that a new limit in it does not read all
        # data again.
        config = struct_pb2.Struct()
        config.update(
            {
                "reading": Reading.of(schema, csv, columns).model_dump_json(),
                "csv": csv.model_dump(mode="json"),
                "required": list(required),
                # As text, since numbers of a Struct are exact up to 2^53 only.
                "split_at": split_at.model_dump_json() if split_at else None,
                "reader": reader,
                # As text, too, since a Struct turns all numbers into floats.
                "reader_options": json.dumps(dict(reader_options), sort_keys=True),
            }
        )
        custom_config = example_gen_pb2.CustomConfig()
        custom_config.custom_config.Pack(config)
        super().__init__(
            input_base=input_base,
            # Required by TFX; the executor finds the files by `range_config`.
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="all", pattern=PATTERN)]
            ),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(
                    splits=[
                        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=buckets)
                        for name, buckets in splits.items()
                    ],
                    partition_feature_name=split_by,
                )
            ),
            range_config=range_config(spans),
            custom_config=custom_config,
        )
        # Not among the parameters of TFX's spec: for the cache only.
        self.spec.exec_properties["code_hash"] = own_code
        self.with_id("ExampleGen")


def _write_spans(
    pipeline: beam.Pipeline, reader: Reader, numbers: Sequence[int], writer: ShardWriter
) -> None:
    """Reads each span in one worker: a reader cannot start in the middle of its rows."""
    _ = (
        pipeline
        | "Spans" >> _spread(list(enumerate(numbers)))
        | "WriteShards" >> beam.MapTuple(lambda shard, span: writer.write_span(reader, span, shard))
        | "Outcomes" >> beam.combiners.ToList()
        | "WriteOutcomes" >> beam.Map(outcomes.write_outcomes, os.path.join(writer.uri, OUTCOMES))
    )


def _write_files(pipeline: beam.Pipeline, files: Sequence[DataFile], writer: ShardWriter) -> None:
    """Reads each file in one worker, or in several if it is large."""
    csv, reading = writer.row_format.csv, writer.row_format.reading
    guessed = (
        pipeline
        | "Files" >> _spread([file.path for file in files])
        | "GuessTypes" >> beam.Map(lambda path: tables.guess_types(path, reading, csv))
        | "WidestTypes" >> beam.CombineGlobally(tables.widest_types)
    )
    types_of_others = beam.pvalue.AsSingleton(guessed)
    _ = (
        _parts(pipeline, files, csv)
        | "WriteShards" >> beam.Map(writer.write_part, types_of_others)
        | "OutcomesOfFiles" >> beam.CombinePerKey(outcomes.merge_outcomes)
        | "ExplainErrors" >> beam.Map(writer.explain_error, types_of_others)
        | "Outcomes" >> beam.combiners.ToList()
        | "WriteOutcomes" >> beam.Map(outcomes.write_outcomes, os.path.join(writer.uri, OUTCOMES))
    )


def _parts(
    pipeline: beam.Pipeline, files: Sequence[DataFile], csv: CsvFormat
) -> beam.PCollection[tuple[DataFile, int, Part | None]]:
    """Parts of all files, in the form that `ShardWriter.write_part` takes."""
    to_cut = [file for file in files if file.is_cut]
    ready = [
        (file, number, Part(number, file.parts) if file.parts > 1 else None)
        for file in files
        if not file.is_cut
        for number in range(file.parts)
    ]
    if not to_cut:
        return pipeline | "Parts" >> _spread(ready)
    ranges = [(file, number) for file in to_cut for number in range(file.parts)]
    cut = (
        pipeline
        | "Ranges" >> _spread(ranges)
        | "ScanRanges" >> beam.MapTuple(lambda file, n: (file, (n, scan_range(file, n, csv))))
        | "ScansOfFiles" >> beam.GroupByKey()
        | "Cut" >> beam.FlatMapTuple(_cut)
    )
    return (
        (pipeline | "Parts" >> beam.Create(ready), cut)
        | beam.Flatten()
        | "SpreadParts" >> beam.Reshuffle()
    )


def _cut(
    file: DataFile, scans: Iterable[tuple[int, RangeScan | None]]
) -> Iterator[tuple[DataFile, int, Part | None]]:
    in_order = [scan for _, scan in sorted(scans, key=operator.itemgetter(0))]
    for number, part in enumerate(cut_file(file, in_order)):
        yield file, number, part


@beam.ptransform_fn
def _spread(pipeline: beam.Pipeline, elements: Sequence[Any]) -> beam.PCollection[Any]:
    """Elements, spread over workers; without Reshuffle a runner may fuse all in one worker."""
    return pipeline | beam.Create(elements) | beam.Reshuffle()


def _splits(exec_properties: dict[str, Any]) -> Splits:
    output = _proto(exec_properties, specs.OUTPUT_CONFIG_KEY, example_gen_pb2.Output())
    config = output.split_config
    if at := custom_config(exec_properties)["split_at"]:
        names = tuple(split.name for split in config.splits)
        return BoundSplits(names, SplitAt.model_validate_json(at))
    buckets = {split.name: split.hash_buckets for split in config.splits}
    return HashSplits(buckets, config.partition_feature_name or None)


def _row_format(exec_properties: dict[str, Any]) -> RowFormat:
    config = custom_config(exec_properties)
    csv = CsvFormat.model_validate(config["csv"])
    return RowFormat(reading_of(exec_properties), csv, tuple(config["required"]))


def _proto(exec_properties: dict[str, Any], key: str, message: Any) -> Any:
    return proto_utils.json_to_proto(exec_properties[key], message)
