"""Files on any storage: TFX's `fileio`, which opens s3:// as well once this module is imported.

S3 here means every store that speaks its protocol. A folder exists if an object is in it. Address,
region and credentials are found as every AWS program finds them: environment (`AWS_ENDPOINT_URL`
for MinIO and others), profile, or the role of the machine or pod.

TensorFlow itself has not opened s3:// since 2.6. Beam's file system (apache-beam 2.77,
io/aws/s3io.py) makes a client for each call, cannot store an empty object and lists all that is
below a folder to list the folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fnmatch
import functools
import io
import itertools
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from tfx.dsl.io import fileio, filesystem, filesystem_registry
from tfx.dsl.io.filesystem import NotFoundError, PathType

from tfxkit.errors import StorageError

__all__ = ["fileio"]

_ATTEMPTS = 3  # for one read: long-lived connections break
_BUFFER_BYTES = 1 << 20
_MEMORY_BYTES = 32 << 20  # larger content is spooled to disk
_MISSING = {"404", "NoSuchKey"}
_REFUSED = {
    "401",
    "403",
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
}


@functools.cache
def client() -> Any:
    """Client of this process, safe for threads; its creation takes 0.1 s."""
    import boto3
    import botocore.config

    return boto3.session.Session().client(
        "s3",
        config=botocore.config.Config(
            connect_timeout=10,
            retries={"mode": "standard", "max_attempts": 5},
            # Checksums that only AWS supports became the default in botocore 1.36.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def split_address(path: str) -> tuple[str, str]:
    """Splits an address into bucket and key."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Translates errors of the client, with the address in the message.

    Raises:
        NotFoundError: If there is no such object.
        StorageError: If the store cannot be reached, or refuses access.
    """
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise NotFoundError(f"There is no {path}") from error
        if code == "NoSuchBucket":
            raise StorageError(f"{path}: there is no bucket {split_address(path)[0]!r}.") from error
        if code in _REFUSED:
            raise StorageError(
                f"{path}: access is denied ({code}). Check the credentials that this process is "
                "given (AWS_ACCESS_KEY_ID, a profile or a role), and their rights."
            ) from error
        if code == "PreconditionFailed":
            raise StorageError(f"{path} was replaced while it was being read.") from error
        raise StorageError(f"{path}: {error}") from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise StorageError(
            f"{path}: there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or run with a profile or a role."
        ) from error
    except exceptions.BotoCoreError as error:
        raise StorageError(f"{path} cannot be reached: {error}") from error


@dataclasses.dataclass(frozen=True)
class ObjectStat:
    """Size in bytes, time of change in nanoseconds, and a text that changes with the content."""

    length: int
    mtime_nsec: int
    etag: str


class S3Filesystem(filesystem.Filesystem):
    """S3 as a file system of `tfx.dsl.io`; see its `fileio`.

    Errors are `NotFoundError` and `tfxkit.errors.StorageError`.
    """

    SUPPORTED_SCHEMES = ["s3://"]

    @staticmethod
    def open(name: PathType, mode: str = "r") -> Any:
        """Opens an object to read (`r`, `rb`) or to write (`w`, `wb`), but not to append."""
        if mode in ("w", "wb"):
            return ObjectWriter(os.fsdecode(name))
        if mode not in ("r", "rb"):
            raise ValueError(f"{os.fsdecode(name)} cannot be opened with mode {mode!r}")
        file = open_object(os.fsdecode(name))
        return file if mode == "rb" else io.TextIOWrapper(file, encoding="utf-8", newline="")

    @staticmethod
    def copy(src: PathType, dst: PathType, overwrite: bool = False) -> None:
        """Copies an object within the store."""
        source, target = os.fsdecode(src), os.fsdecode(dst)
        if not overwrite and S3Filesystem.exists(target):
            raise OSError(f"{target} is there already")
        bucket, key = split_address(source)
        with explained(source):
            client().copy({"Bucket": bucket, "Key": key}, *split_address(target))

    @staticmethod
    def exists(path: PathType) -> bool:
        """True if there is an object or a folder of this name."""
        try:
            S3Filesystem.stat(path)
        except NotFoundError:
            return S3Filesystem.isdir(path)
        return True

    @staticmethod
    def glob(pattern: PathType) -> list[PathType]:
        """Lists the objects and folders that match a pattern; `*` matches no slash."""
        text = os.fsdecode(pattern)
        folder = re.split(r"[*?[]", text)[0].rpartition("/")[0]
        patterns = text.split("/")
        depth = len(patterns)
        paths = {tuple(f"{folder}/{name}".split("/")[:depth]) for name in _below(folder)}
        return sorted(
            "/".join(parts)
            for parts in paths
            if len(parts) == depth and all(map(fnmatch.fnmatchcase, parts, patterns))
        )

    @staticmethod
    def isdir(path: PathType) -> bool:
        """True if there is an object below this name; a bucket is a folder, even an empty one."""
        text = os.fsdecode(path).rstrip("/")
        page = next(_pages(text, PaginationConfig={"MaxItems": 1, "PageSize": 1}))
        return bool(page.get("Contents")) or not split_address(text)[1]

    @staticmethod
    def listdir(path: PathType) -> list[PathType]:
        """Lists the names in a folder; names of folders have no slash at their end."""
        text = os.fsdecode(path)
        names = []
        for page in _pages(text, Delimiter="/"):
            names += [entry["Prefix"].rstrip("/") for entry in page.get("CommonPrefixes", [])]
            names += [entry["Key"] for entry in page.get("Contents", [])]
        if not names and split_address(text)[1]:
            raise NotFoundError(f"There is no folder {text}")
        return sorted(os.path.basename(name) for name in names if not name.endswith("/"))

    @staticmethod
    def makedirs(path: PathType) -> None:
        """Does nothing."""

    @staticmethod
    def mkdir(path: PathType) -> None:
        """Does nothing."""

    @staticmethod
    def remove(path: PathType) -> None:
        """Removes an object; S3 does not report a missing one."""
        text = os.fsdecode(path)
        bucket, key = split_address(text)
        with explained(text):
            client().delete_object(Bucket=bucket, Key=key)

    @staticmethod
    def rename(src: PathType, dst: PathType, overwrite: bool = False) -> None:
        """Copies an object, then removes it: both may exist for a moment, never neither."""
        S3Filesystem.copy(src, dst, overwrite)
        S3Filesystem.remove(src)

    @staticmethod
    def rmtree(path: PathType) -> None:
        """Removes a folder, object by object: not all stores support requests for many objects."""
        text = os.fsdecode(path).rstrip("/")
        names = list(_below(text))
        if not names:
            raise NotFoundError(f"There is no folder {text}")
        for name in names:
            S3Filesystem.remove(f"{text}/{name}")

    @staticmethod
    def stat(path: PathType) -> ObjectStat:
        """Requests size, time of change and content hash of an object."""
        text = os.fsdecode(path)
        bucket, key = split_address(text)
        if not key:
            raise NotFoundError(f"There is no object {text}")
        with explained(text):
            head = client().head_object(Bucket=bucket, Key=key)
        changed = int(head["LastModified"].timestamp()) * 10**9
        return ObjectStat(head["ContentLength"], changed, head["ETag"])

    @staticmethod
    def walk(
        top: PathType, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[PathType, list[PathType], list[PathType]]]:
        """Walks through all folders, as `os.walk` does."""
        del onerror
        root = os.fsdecode(top).rstrip("/")
        tree: dict[str, tuple[set[str], set[str]]] = {}
        for name in _below(root):
            *folders, file = name.split("/")
            for parent, folder in zip(_parents(root, folders), [*folders, None], strict=True):
                inside = tree.setdefault(parent, (set(), set()))
                if folder is not None:
                    inside[0].add(folder)
                elif file:
                    inside[1].add(file)
        for parent in sorted(tree, reverse=not topdown):
            yield parent, sorted(tree[parent][0]), sorted(tree[parent][1])


def _pages(path: str, **options: Any) -> Iterator[dict[str, Any]]:
    """Lists a folder, 1,000 objects a page."""
    bucket, key = split_address(path)
    prefix = key.rstrip("/") + "/" if key else ""
    with explained(path):
        pages = client().get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=bucket, Prefix=prefix, **options)


def _below(folder: str) -> Iterator[str]:
    """Lists all objects below a folder, by names relative to it.

    A name that is empty or ends with a slash is a folder that was stored as an object.
    """
    _, key = split_address(folder)
    start = len(key.rstrip("/")) + 1 if key else 0
    for page in _pages(folder):
        yield from (entry["Key"][start:] for entry in page.get("Contents", []))


def _parents(root: str, folders: list[str]) -> Iterator[str]:
    return itertools.accumulate(folders, "{}/{}".format, initial=root)


def open_object(path: str) -> io.BufferedReader:
    """Opens an object for reading, in a single request if it is read from front to end.

    Raises:
        NotFoundError: If there is no such object.
        StorageError: If the store cannot be reached or refuses.
    """
    return io.BufferedReader(_Reader(path), _BUFFER_BYTES)


class _Reader(io.RawIOBase):
    def __init__(self, path: str) -> None:
        self._path = path
        self._position = 0
        with explained(path):
            response = client().get_object(**self._object())
        self._body: Any = response["Body"]
        self._size: int = response["ContentLength"]
        self._etag: str = response["ETag"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        from botocore.exceptions import BotoCoreError

        if self._position >= self._size:
            return 0
        with explained(self._path):
            for attempt in range(_ATTEMPTS):
                try:
                    count = self._stream().readinto(buffer)
                    break
                except BotoCoreError:
                    self._drop()
                    if attempt == _ATTEMPTS - 1:
                        raise
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset != self._position:
            self._drop()
            self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._drop()
        super().close()

    def _stream(self) -> Any:
        if self._body is None:
            unread = {"Range": f"bytes={self._position}-", "IfMatch": self._etag}
            self._body = client().get_object(**self._object(), **unread)["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None

    def _object(self) -> dict[str, str]:
        bucket, key = split_address(self._path)
        return {"Bucket": bucket, "Key": key}


class ObjectWriter:
    """Buffer of text or bytes that is stored as an object when it is closed.

    An error in its `with` block discards the content.
    """

    def __init__(self, path: str) -> None:
        """Opens a buffer; an address that cannot be written to raises in `close`."""
        self._path = path
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 (see close)

    def write(self, content: str | bytes) -> int:
        """Appends."""
        self._file.write(content.encode() if isinstance(content, str) else content)
        return len(content)

    def flush(self) -> None:
        """Does nothing: an object is stored as a whole."""

    def close(self) -> None:
        """Stores the object.

        Raises:
            StorageError: If the store cannot be reached or refuses.
        """
        if self._file.closed:
            return
        bucket, key = split_address(self._path)
        with self._file, explained(self._path):
            self._file.seek(0)
            client().upload_fileobj(self._file, bucket, key)

    def __enter__(self) -> Self:
        """Returns the writer itself."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stores the object; discards it after an error."""
        if error_type is None:
            self.close()
        else:
            self._file.close()


# The lowest number wins; TensorFlow's file system, which has dropped s3://, has 10.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(S3Filesystem, priority=5)
