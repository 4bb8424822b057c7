"""Run the pipeline, look at its runs, and serve its models."""
