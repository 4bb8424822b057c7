"""ExampleGen of this project: CSV and Parquet in spans, typed by the schema, in a stable order."""

from components.example_gen.component import SpanExampleGen as SpanExampleGen
