"""The pipeline: its DAG, the settings of its steps, and the entry of the command line."""
