"""SpanExampleGen: TFX's FileBasedExampleGen for spans of files or a custom reader."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from tfxkit.components.example_gen.columns import column_types
from tfxkit.components.example_gen.executor import SpanDriver, SpanExecutor
from tfxkit.components.example_gen.spans import PATTERN, range_config
from tfxkit.config.data import PLAIN_CSV, CsvFormat, SplitAt
from tfxkit.storage.step_cache import code_hash

_NO_OPTIONS: Mapping[str, Any] = {}


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
        required: Sequence[str] = (),
        split_by: str | None = None,
        split_at: SplitAt | None = None,
        reader: str | None = None,
        reader_options: Mapping[str, Any] = _NO_OPTIONS,
    ) -> None:
        """Constructs the component, with the id `ExampleGen`.

        Args:
            input_base: Folder with `span-1`, `span-2`, …, which hold `.csv`, `.csv.gz` or
                `.parquet` files, or folders `version-1`, `version-2`, … of such files (the newest
                is read). With a reader: the path that it takes.
            schema: Schema with the type of each column; nothing else of it is used.
            spans: `newest`, `all`, `last:<n>` or the number of a span.
            splits: Parts of each split, for instance `{"train": 2, "eval": 1}`. Rows are assigned
                by a hash of their content, unless `split_by` or `split_at` is set.
            csv: Dialect of CSV files.
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
        # Of the schema only the types, so that a new limit in it does not read all data again.
        config = struct_pb2.Struct()
        config.update(
            {
                "types": column_types(schema),
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
