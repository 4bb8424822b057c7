"""Where the pipeline runs: each runner takes the same DAG."""
