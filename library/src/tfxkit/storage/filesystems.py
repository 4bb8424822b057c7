"""Files wherever they are: TFX's `fileio`, which also opens s3:// once this module is imported."""

from __future__ import annotations

from tfx.dsl.io import fileio, filesystem_registry

from tfxkit.storage.s3 import S3Filesystem

__all__ = ["fileio"]

# The lower number wins; TensorFlow's file system, which has no s3:// any more, says 10.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(S3Filesystem, priority=5)
