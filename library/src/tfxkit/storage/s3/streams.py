"""Objects as files: read from where one likes, written as a whole or not at all."""

from __future__ import annotations

import io
import tempfile
from types import TracebackType
from typing import Any, Self

from tfxkit.storage.s3.client import client, explained, split

_ATTEMPTS = 3  # at one read: connections that are open for long break
_BUFFER_BYTES = 1 << 20
_MEMORY_BYTES = 32 << 20  # what is written beyond that waits on the disk


def reader(path: str) -> io.BufferedReader:
    """Opens an object for reading, in one request as long as it is read from front to end.

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
            wanted = {"Range": f"bytes={self._position}-", "IfMatch": self._etag}
            self._body = client().get_object(**self._object(), **wanted)["Body"]
        return self._body

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None

    def _object(self) -> dict[str, str]:
        bucket, key = split(self._path)
        return {"Bucket": bucket, "Key": key}


class Writer:
    """Collects what is written, text or bytes, and stores it when it is closed.

    Used in a `with` block that an error ends, it stores nothing.
    """

    def __init__(self, path: str) -> None:
        """Opens nothing yet: an address that cannot be written to shows at the end."""
        self._path = path
        self._file = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 (see close)

    def write(self, content: str | bytes) -> int:
        """Appends."""
        self._file.write(content.encode() if isinstance(content, str) else content)
        return len(content)

    def flush(self) -> None:
        """Does nothing: an object is there as a whole or not at all."""

    def close(self) -> None:
        """Stores the object.

        Raises:
            StorageError: If the store cannot be reached or refuses.
        """
        if self._file.closed:
            return
        bucket, key = split(self._path)
        with self._file, explained(self._path):
            self._file.seek(0)
            client().upload_fileobj(self._file, bucket, key)

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stores the object, or forgets it if there was an error."""
        if kind is None:
            self.close()
        else:
            self._file.close()
