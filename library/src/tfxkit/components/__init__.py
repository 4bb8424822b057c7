"""TFX components that TFX lacks; a project's `components/` offers them to its DAG."""
