"""The connection to S3, and its errors in words.

Address, region and credentials are found as every AWS program finds them: environment
(`AWS_ENDPOINT_URL` for MinIO and others), profile, or the role of the machine or pod.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from tfx.dsl.io.filesystem import NotFoundError

from tfxkit.errors import StorageError

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
    """The one client of this process. It may be used by many threads; to make it takes 0.1 s."""
    import boto3
    import botocore.config

    return boto3.session.Session().client(
        "s3",
        config=botocore.config.Config(
            connect_timeout=10,
            retries={"mode": "standard", "max_attempts": 5},
            # Checksums that only AWS itself knows became the default in botocore 1.36.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def split(path: str) -> tuple[str, str]:
    """Bucket and key of an address."""
    bucket, _, key = path.removeprefix("s3://").partition("/")
    return bucket, key


@contextlib.contextmanager
def explained(path: str) -> Iterator[None]:
    """Turns errors of the client into those of Python's files.

    Raises:
        NotFoundError: If there is no such object.
        StorageError: If the store cannot be reached or refuses; the message is for a person.
    """
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise NotFoundError(f"There is no {path}") from error
        if code == "NoSuchBucket":
            raise StorageError(f"{path}: there is no bucket {split(path)[0]!r}.") from error
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
