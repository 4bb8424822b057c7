"""The project's own TFX components: each knows TFX, none knows this pipeline."""
