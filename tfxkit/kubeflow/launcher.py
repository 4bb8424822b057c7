"""The folders in which Kubeflow's launcher mirrors the object store, inside a step's container.

The launcher, the process that starts ours, downloads a step's inputs before it and uploads its
outputs after it (kubeflow/pipelines 2.17.0, backend/src/v2/component/launcher_v2.go:778 and 927).
Vertex AI has no such process: there a step opens gs:// itself.
"""

from __future__ import annotations

import dataclasses
import os

# launcher_v2.go:1239, LocalPathForURI. It knows oci:// too, which is for models of others.
_FOLDERS = {"gs://": "gcs", "s3://": "s3", "minio://": "minio"}


@dataclasses.dataclass(frozen=True)
class Launcher:
    """Where the mirrors are: `<root>/gcs`, `<root>/s3` and `<root>/minio`.

    Attributes:
        root: Of the mirrors.
        mirrors: Whether a step is to use them. One whose work goes elsewhere reads and writes the
            store; the launcher takes an output that has no mirror for one that is not to be
            uploaded (launcher_v2.go:927).
    """

    root: str
    mirrors: bool = True

    @classmethod
    def find(cls) -> Launcher | None:
        """The launcher that started this process, or None if there is none.

        `PIPELINE_LAUNCHER_ROOT` gives another root than `/`, to run steps outside of containers.
        """
        if root := os.environ.get("PIPELINE_LAUNCHER_ROOT"):
            return cls(root)
        # Set for each step since 2.0 (backend/src/v2/compiler/argocompiler/common.go:43).
        return cls("/") if "KFP_POD_NAME" in os.environ else None

    def to_local(self, uri: str) -> str:
        """The path that stands for an address; other addresses and paths stay as they are."""
        for scheme, folder in _FOLDERS.items() if self.mirrors else ():
            if uri.startswith(scheme):
                return os.path.join(self.root, folder, uri.removeprefix(scheme))
        return uri

    def to_remote(self, text: str) -> str:
        """The address that a path stands for; any other text stays as it is."""
        for scheme, folder in _FOLDERS.items():
            mirror = os.path.join(self.root, folder, "")
            if text.startswith(mirror):
                return scheme + text.removeprefix(mirror)
        return text
