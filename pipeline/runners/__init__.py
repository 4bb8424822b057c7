"""Where the pipeline runs: each runner takes the same DAG; a folder or file less is a runner less."""
