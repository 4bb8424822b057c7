"""The runners of the backends: each compiles the DAG into a package."""
