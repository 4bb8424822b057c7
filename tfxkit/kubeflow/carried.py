"""What a package carries to its steps in their environment: the schema, and a hash of the code.

The schema is data that users edit, so an image need not be built again when it changes. The hash
tells a step that runs in an image of other code than the package was compiled from.
"""

from __future__ import annotations

import base64
import gzip
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tfxkit.errors import UsageError
from tfxkit.storage.code_hash import code_hash, hashed_modules

SCHEMA = "PIPELINE_SCHEMA"
CODE_HASH = "PIPELINE_CODE_HASH"
SCHEMA_PARAMETER = "schema_file"  # of ImportSchemaGen: where the schema is expected
# Where the code of a container begins. Steps are given by dotted name, so whole packages; what the
# entrypoint imports is found by following its imports.
_ENTRIES = (
    "components",
    "models",
    "tfxkit.components",
    "tfxkit.kubeflow.entrypoint",
    "tfxkit.kubeflow.report_step",
)


def encode_schema(content: bytes) -> str:
    """A file as the text of an environment variable; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")


def container_modules() -> dict[str, Path]:
    """All modules of the project that run in a container, by name, each with its file."""
    return hashed_modules(*_ENTRIES)


def project_code_hash() -> str:
    """A hash of these modules."""
    return code_hash(*_ENTRIES)


def check_code() -> None:
    """Compares the code of this image with that of the package.

    Raises:
        UsageError: If they differ.
    """
    wanted = os.environ.get(CODE_HASH)
    if wanted is not None and wanted != project_code_hash():
        raise UsageError(
            f"The image was built from other code than the package was compiled from "
            f"({project_code_hash()}, not {wanted}): build and push it again, then compile."
        )


def unpack_schema(parameters: Mapping[str, object]) -> None:
    """Writes the schema to where the step's parameters expect it."""
    encoded = os.environ.get(SCHEMA)
    if encoded is None:
        return
    path = str(parameters[SCHEMA_PARAMETER])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:
        file.write(gzip.decompress(base64.b64decode(encoded)))
    os.replace(file.name, path)
