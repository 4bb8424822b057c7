"""ExampleGen of this project: CSV and Parquet in spans, typed by the schema, in a stable order.

The component is in `component`, and not here as well: `predict` and `init` read files as it does,
and need not wait for all of TFX.
"""
