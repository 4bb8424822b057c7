"""ExampleGen for CSV and Parquet files in spans: typed by the schema, in a stable order of rows.

Import the component from `component`: this module stays empty, since `predict` and `init` use the
readers of files without waiting for TFX.
"""
