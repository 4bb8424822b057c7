"""The container of a step: schema and code hash from the package, launcher, reason of a failure.

A package carries the schema to its steps in an environment variable. Users edit the schema, and the
image need not be built again when it changes. Hashes of project and library, carried likewise,
detect an image of other code than the package was compiled from.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import gzip
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path

from tfxkit import __version__
from tfxkit.errors import DataError, UsageError, user_error
from tfxkit.project import PACKAGES
from tfxkit.storage.step_cache import code_hash, library_hash
from tfxkit.tracebacks import located, raised

ENTRYPOINT = "tfxkit.kubeflow.entrypoint"
SCHEMA_VARIABLE = "PIPELINE_SCHEMA"
CODE_HASH_VARIABLE = "PIPELINE_CODE_HASH"
LIBRARY_VARIABLE = "PIPELINE_LIBRARY"
SCHEMA_PARAMETER = "schema_file"  # of ImportSchemaGen: the path at which it expects the schema
# Kubernetes shows the content as the reason why a container ended, in `kubectl describe pod` and in
# Argo's message of the node (argo-workflows 4.1.2, workflow/controller/operator.go,
# inferFailedReason). The kubelet reads this many bytes.
TERMINATION_LOG = Path("/dev/termination-log")
TERMINATION_BYTES = 4096
_DATA_EXIT_CODE = 4
# launcher_v2.go:1239, LocalPathForURI. It also has oci://, for models from elsewhere.
_FOLDERS = {"gs://": "gcs", "s3://": "s3", "minio://": "minio"}


def encode_schema(content: bytes) -> str:
    """Text of an environment variable for a file; equal bytes have equal texts."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")


def decode_schema(text: str) -> bytes:
    """Content of the file that `encode_schema` was called with."""
    return gzip.decompress(base64.b64decode(text))


def unpack_schema(parameters: Mapping[str, object]) -> None:
    """Writes the schema to the path in the step's parameters."""
    encoded = os.environ.get(SCHEMA_VARIABLE)
    if encoded is None:
        return
    path = str(parameters[SCHEMA_PARAMETER])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as file:
        file.write(decode_schema(encoded))
    os.replace(file.name, path)


def code_variables() -> dict[str, str]:
    """Environment variables that identify the code of this process.

    A container looks up executors and user functions by dotted name, so the whole project counts.
    The library is identified by its version and a hash of its files.
    """
    return {
        CODE_HASH_VARIABLE: code_hash(*PACKAGES, packages=PACKAGES),
        LIBRARY_VARIABLE: f"{__version__} ({library_hash()})",
    }


def check_code() -> None:
    """Compares the code of this image with that of the package.

    Raises:
        UsageError: If project or library differ.
    """
    if CODE_HASH_VARIABLE not in os.environ:
        return
    parts = {CODE_HASH_VARIABLE: f"project ({', '.join(PACKAGES)})", LIBRARY_VARIABLE: "tfxkit"}
    differences = [
        f"  {parts[name]}: {own} in the image, {packed} in the package"
        for name, own in code_variables().items()
        if (packed := os.environ.get(name, "unknown")) != own
    ]
    if differences:
        listed = "\n".join(differences)
        raise UsageError(
            "The image was built from other code than the package was compiled from:\n"
            f"{listed}\nBuild the image and push it again, then compile."
        )


@dataclasses.dataclass(frozen=True)
class Launcher:
    """Folders in which Kubeflow's launcher mirrors the object store: `<root>/gcs`, `/s3`, `/minio`.

    The launcher, the process that starts ours, downloads a step's inputs before it and uploads its
    outputs after it (kubeflow/pipelines 2.17.0, backend/src/v2/component/launcher_v2.go:778 and
    927). Vertex AI has no such process: there a step opens gs:// itself.

    Attributes:
        root: Of the mirrors.
        mirrors: False for a step whose work goes elsewhere: it reads and writes the store, and the
            launcher does not upload an output without a mirror (launcher_v2.go:927).
    """

    root: str
    mirrors: bool = True

    @classmethod
    def find(cls) -> Launcher | None:
        """The launcher that started this process, None outside Kubeflow.

        `PIPELINE_LAUNCHER_ROOT` replaces the root `/`, to run steps outside containers.
        """
        if root := os.environ.get("PIPELINE_LAUNCHER_ROOT"):
            return cls(root)
        # Set for each step since 2.0 (backend/src/v2/compiler/argocompiler/common.go:43).
        return cls("/") if "KFP_POD_NAME" in os.environ else None

    def to_local(self, uri: str) -> str:
        """Path of the mirror of an address; other addresses and paths stay as they are."""
        for scheme, folder in _FOLDERS.items() if self.mirrors else ():
            if uri.startswith(scheme):
                return os.path.join(self.root, folder, uri.removeprefix(scheme))
        return uri

    def to_remote(self, text: str) -> str:
        """Address that a path mirrors; any other text stays as it is."""
        for scheme, folder in _FOLDERS.items():
            mirror = os.path.join(self.root, folder, "")
            if text.startswith(mirror):
                return scheme + text.removeprefix(mirror)
        return text


def report_failure(error: Exception, termination_log: Path = TERMINATION_LOG) -> int:
    """Writes the reason of a failure to standard error; no traceback if a user can correct it.

    Args:
        error: The exception.
        termination_log: Gets the message as well, if it exists.

    Returns:
        The exit code: 4 for an error in the data, otherwise 1.
    """
    known = error if isinstance(error, UsageError) else user_error(error)
    if known is None:
        traceback.print_exception(error)
        message = located(raised(error), error)
    else:
        message = str(known)
        print(f"\n{message}", file=sys.stderr)  # noqa: T201 (the container's log)
    if termination_log.exists():
        with contextlib.suppress(OSError):  # best effort: the file may be somebody else's
            cut = message.encode()[:TERMINATION_BYTES].decode(errors="ignore")
            termination_log.write_text(cut, encoding="utf-8")
    return _DATA_EXIT_CODE if isinstance(known, DataError) else 1
