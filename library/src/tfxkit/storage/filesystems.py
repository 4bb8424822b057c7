"""Files on any storage: TFX's `fileio`, which opens s3:// as well once this module is imported."""

from __future__ import annotations

from tfx.dsl.io import fileio, filesystem_registry

from tfxkit.storage.s3 import S3Filesystem

__all__ = ["fileio"]

# The lowest number wins; TensorFlow's file system, which has dropped s3://, has 10.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(S3Filesystem, priority=5)
