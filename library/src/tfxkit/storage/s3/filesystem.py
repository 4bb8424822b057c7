"""S3 as a file system of `tfx.dsl.io`. A folder exists if an object is in it.

TensorFlow has opened no s3:// of its own since 2.6. Beam's file system (apache-beam 2.77,
io/aws/s3io.py) makes a client for each call, cannot store an empty object and lists all that is
below a folder to list the folder.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import io
import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from tfx.dsl.io import filesystem
from tfx.dsl.io.filesystem import NotFoundError, PathType

from tfxkit.storage.s3.client import client, explained, split
from tfxkit.storage.s3.streams import Writer, reader


@dataclasses.dataclass(frozen=True)
class Stat:
    """Size in bytes, time of change in nanoseconds, and a text that changes with the content."""

    length: int
    mtime_nsec: int
    etag: str


class S3Filesystem(filesystem.Filesystem):
    """See `tfx.dsl.io.fileio`. Errors are `NotFoundError` and `tfxkit.errors.StorageError`."""

    SUPPORTED_SCHEMES = ["s3://"]

    @staticmethod
    def open(name: PathType, mode: str = "r") -> Any:
        """A file to read, `r` or `rb`, or to write, `w` or `wb`; nothing can be appended to."""
        if mode in ("w", "wb"):
            return Writer(os.fsdecode(name))
        if mode not in ("r", "rb"):
            raise ValueError(f"{os.fsdecode(name)} cannot be opened with mode {mode!r}")
        file = reader(os.fsdecode(name))
        return file if mode == "rb" else io.TextIOWrapper(file, encoding="utf-8", newline="")

    @staticmethod
    def copy(src: PathType, dst: PathType, overwrite: bool = False) -> None:
        """Copies an object within the store."""
        source, target = os.fsdecode(src), os.fsdecode(dst)
        if not overwrite and S3Filesystem.exists(target):
            raise OSError(f"{target} is there already")
        bucket, key = split(source)
        with explained(source):
            client().copy({"Bucket": bucket, "Key": key}, *split(target))

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
        """The objects and folders that fit a pattern; `*` stands for no slash."""
        text = os.fsdecode(pattern)
        folder = re.split(r"[*?[]", text)[0].rpartition("/")[0]
        wanted = text.split("/")
        found = {tuple(f"{folder}/{name}".split("/")[: len(wanted)]) for name in _below(folder)}
        return sorted(
            "/".join(parts)
            for parts in found
            if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))
        )

    @staticmethod
    def isdir(path: PathType) -> bool:
        """True if there is an object below this name; a bucket is a folder, even an empty one."""
        text = os.fsdecode(path).rstrip("/")
        page = next(_pages(text, PaginationConfig={"MaxItems": 1, "PageSize": 1}))
        return bool(page.get("Contents")) or not split(text)[1]

    @staticmethod
    def listdir(path: PathType) -> list[PathType]:
        """The names in a folder, those of folders without a slash at their end."""
        text = os.fsdecode(path)
        names = []
        for page in _pages(text, Delimiter="/"):
            names += [one["Prefix"].rstrip("/") for one in page.get("CommonPrefixes", [])]
            names += [one["Key"] for one in page.get("Contents", [])]
        if not names and split(text)[1]:
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
        """Removes an object. S3 does not say whether it was there."""
        text = os.fsdecode(path)
        bucket, key = split(text)
        with explained(text):
            client().delete_object(Bucket=bucket, Key=key)

    @staticmethod
    def rename(src: PathType, dst: PathType, overwrite: bool = False) -> None:
        """Copies an object, then removes it: there may be both for a moment, never none."""
        S3Filesystem.copy(src, dst, overwrite)
        S3Filesystem.remove(src)

    @staticmethod
    def rmtree(path: PathType) -> None:
        """Removes what is below a name, one by one: not all stores know a request for many."""
        text = os.fsdecode(path).rstrip("/")
        names = list(_below(text))
        if not names:
            raise NotFoundError(f"There is no folder {text}")
        for name in names:
            S3Filesystem.remove(f"{text}/{name}")

    @staticmethod
    def stat(path: PathType) -> Stat:
        """Size, time of change and content of an object, in one request."""
        text = os.fsdecode(path)
        bucket, key = split(text)
        if not key:
            raise NotFoundError(f"There is no object {text}")
        with explained(text):
            found = client().head_object(Bucket=bucket, Key=key)
        changed = int(found["LastModified"].timestamp()) * 10**9
        return Stat(found["ContentLength"], changed, found["ETag"])

    @staticmethod
    def walk(
        top: PathType, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[PathType, list[PathType], list[PathType]]]:
        """Each folder with the names of the folders and objects in it, as `os.walk`."""
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
    """Content of a folder, 1,000 objects a page."""
    bucket, key = split(path)
    prefix = key.rstrip("/") + "/" if key else ""
    with explained(path):
        pages = client().get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=bucket, Prefix=prefix, **options)


def _below(folder: str) -> Iterator[str]:
    """The names of all objects below a folder, from the folder on.

    A name that is empty or ends with a slash is a folder that somebody made an object of.
    """
    _, key = split(folder)
    start = len(key.rstrip("/")) + 1 if key else 0
    for page in _pages(folder):
        yield from (one["Key"][start:] for one in page.get("Contents", []))


def _parents(root: str, folders: list[str]) -> Iterator[str]:
    return itertools.accumulate(folders, "{}/{}".format, initial=root)
