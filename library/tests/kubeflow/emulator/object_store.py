"""The object store: any server that speaks S3, through boto3.

Stands for objectstore/object_store.go. The schemes gs, s3 and minio are buckets of the same server.
Like the backend's, it knows files only: an empty folder is not uploaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError

from tests.kubeflow.emulator.errors import plain_error
from tests.kubeflow.emulator.uris import Bucket


class ObjectStore:
    """Files below keys of buckets.

    Args:
        endpoint: The server's URL.
        key_id, secret: Its credentials.
    """

    def __init__(self, endpoint: str, key_id: str, secret: str) -> None:
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            region_name="us-east-1",
        )

    def create_bucket(self, name: str) -> None:
        self._client.create_bucket(Bucket=name)

    def keys(self, bucket: Bucket, prefix: str) -> Iterator[str]:
        """The keys that begin with `prefix`, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket.name, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []))

    def read(self, uri_bucket: Bucket, key: str) -> bytes:
        return self._client.get_object(Bucket=uri_bucket.name, Key=key)["Body"].read()

    def upload(self, path: str, bucket: Bucket, key: str) -> None:
        """Uploads a file, or the files of a folder (object_store.go:111).

        Raises:
            FileNotFoundError: There is nothing at `path`.
            BackendError: The store refuses it.
        """
        source = Path(path)
        if not source.exists():
            raise FileNotFoundError(path)
        files = [source] if source.is_file() else sorted(_files(source))
        for file in files:
            below = "" if file == source else f"/{file.relative_to(source).as_posix()}"
            self._call("upload_file", str(file), bucket.name, key + below)

    def download(self, bucket: Bucket, key: str, path: str) -> None:
        """Downloads the object `key` and what lies below it (object_store.go:176)."""
        for found in list(self.keys(bucket, key)):
            if found != key and not found.startswith(f"{key.rstrip('/')}/"):
                continue
            if ".." in found.split("/"):
                raise plain_error(
                    f"path traversal detected: blob key \"{found}\" contains '..' component"
                )
            target = os.path.normpath(os.path.join(path, os.path.relpath(found, key)))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self._call("download_file", bucket.name, found, target)

    def _call(self, method: str, *args: str) -> None:
        try:
            getattr(self._client, method)(*args)
        except (Boto3Error, ClientError, OSError) as error:
            raise plain_error(f"{method}(): {error}") from error


def _files(folder: Path) -> Iterator[Path]:
    """Paths that are no folder; a link to a folder is none either, and cannot be read (:128)."""
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
