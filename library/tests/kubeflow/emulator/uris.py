"""Where artifacts lie: URIs, buckets, and the folders that the launcher gives them in a pod.

Stands for objectstore/config.go and parts of metadata/client.go and component/launcher_v2.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.kubeflow.emulator.errors import plain_error

# objectstore/config.go:118
_BUCKET = re.compile(r"(^[a-z][a-z0-9]+:///?)([^/?]+)(/[^?]*)?(\?.+)?$")
SCHEMES = ("gs://", "s3://", "minio://")
# component/launcher_v2.go:1239
FOLDERS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}


@dataclass(frozen=True)
class Bucket:
    """A bucket and the folder in it that a run keeps to (objectstore/config.go:48)."""

    scheme: str
    name: str
    prefix: str

    @property
    def provider(self) -> str:
        return self.scheme.removesuffix("://")

    @property
    def prefixed(self) -> str:
        return f"{self.scheme}{self.name}/{self.prefix}".rstrip("/")

    def key(self, uri: str) -> str:
        """The object's key; raises BackendError if the URI lies elsewhere (config.go:101)."""
        if not uri.startswith(self.prefixed):
            raise plain_error(f'URI "{uri}" does not have expected bucket prefix "{self.prefixed}"')
        key = uri[len(self.prefixed) :].lstrip("/")
        if not key:
            raise plain_error(f'URI "{uri}" has empty key given prefixed bucket "{self.prefixed}"')
        return f"{self.prefix}{key}"


def root_bucket(root: str) -> Bucket:
    """The bucket of a pipeline root; raises BackendError (objectstore/config.go:130)."""
    return _parse(root, f'parse bucket config failed: unrecognized pipeline root format: "{root}"')


def artifact_bucket(uri: str) -> Bucket:
    """The whole bucket that an artifact lies in; raises BackendError (config.go:154)."""
    found = _parse(uri, f'parse bucket config failed: unrecognized uri format: "{uri}"')
    return Bucket(found.scheme, found.name, "")


def _parse(uri: str, otherwise: str) -> Bucket:
    match = _BUCKET.match(uri)
    if match is None:
        raise plain_error(otherwise)
    if match[1] not in SCHEMES:
        raise plain_error(f'parse bucket config failed: unsupported Cloud bucket: "{uri}"')
    prefix = (match[3] or "").removeprefix("/")
    return Bucket(match[1], match[2], f"{prefix}/" if prefix and prefix[-1] != "/" else prefix)


def join(root: str, *parts: str) -> str:
    """A URI below another; a query of the root is lost (metadata/client.go:391)."""
    return "/".join([root.partition("?")[0].rstrip("/"), *parts])


def local_path(uri: str, launcher_root: str = "/") -> str:
    """The path in a pod that stands for a URI (component/launcher_v2.go:1239).

    Raises:
        BackendError: The launcher knows no folder for its scheme.
    """
    for scheme, folder in FOLDERS.items():
        if uri.startswith(scheme):
            return launcher_root.rstrip("/") + folder + uri.removeprefix(scheme)
    raise plain_error(f"failed to generate local path for URI {uri}: unsupported storage scheme")
