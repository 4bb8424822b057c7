"""Verifies an environment from inside: it holds the packages of its locks, and TFX works.

`python -m tfxkit.environment.verify packages LOCK …` prints a line for each package that differs,
and exits with 1 if there is any. `… verify metadata` and `… verify statistics` use the two native
modules of TFX and compare the results: `import ml_metadata` and `import tensorflow_data_validation`
are no proof, since the first swallows the ImportError of its native module and continues without it
(ml-metadata 1.21, `ml_metadata/__init__.py`).
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tfxkit.environment import SetUpError, paths
from tfxkit.environment.installer import is_file, name_and_version, pin, split

_LINES_OF_A_FAILURE = 3


def differences(locks: Iterable[Path]) -> list[str]:
    """Packages that are missing or have another version than in the locks.

    Args:
        locks: Files with pinned, hashed requirements, as `make lock` writes them; paths in them are
            relative to the current folder.

    Returns:
        One short sentence for each package that differs, in the order of the locks.
    """
    sentences = []
    for lock in locks:
        for requirement in split(lock.read_text(encoding="utf-8")):
            if is_file(requirement):
                sentences += _differences_from_wheel(pin(requirement))
            else:
                sentences += _differences_from_pin(pin(requirement))
    return sentences


def metadata() -> None:
    """Writes an artifact into ML Metadata and reads it back."""
    from ml_metadata.metadata_store import metadata_store
    from ml_metadata.proto import metadata_store_pb2 as pb

    config = pb.ConnectionConfig()
    config.fake_database.SetInParent()  # SQLite in memory
    store = metadata_store.MetadataStore(config)
    span_type = pb.ArtifactType(name="Examples")
    span_type.properties["span"] = pb.INT
    written = pb.Artifact(type_id=store.put_artifact_type(span_type), uri="span-7")
    written.properties["span"].int_value = 7
    [artifact_id] = store.put_artifacts([written])
    [artifact] = store.get_artifacts_by_id([artifact_id])
    if (artifact.uri, artifact.properties["span"].int_value) != ("span-7", 7):
        raise AssertionError(f"ML Metadata returned another artifact than was written: {artifact}")


def statistics() -> None:
    """Computes statistics of four rows with TFDV."""
    import pandas as pd
    import tensorflow_data_validation as tfdv

    frame = pd.DataFrame({"fare": [1.0, 2.0, 3.0, None], "company": ["a", "b", "a", "a"]})
    [dataset] = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1).datasets
    columns = {column.path.step[0]: column for column in dataset.features}
    fare, company = columns["fare"].num_stats, columns["company"].string_stats
    results = (dataset.num_examples, fare.common_stats.num_non_missing, fare.mean, company.unique)
    if results != (4, 3, 2.0, 2):
        raise AssertionError(f"TFDV computed wrong statistics: {results}")
    schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(frame, n_jobs=1))
    frame.loc[0, "company"] = "c"
    changed = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
    if "company" not in tfdv.validate_statistics(changed, schema).anomaly_info:
        raise AssertionError("TFDV did not notice a value that is not in the schema")


CHECKS = {"metadata": metadata, "statistics": statistics}


def in_fresh_process(check: str, python: Path) -> None:
    """Runs one of `CHECKS` with another Python.

    Raises:
        SetUpError: If it fails, with the last lines of its output.
    """
    command = [str(python), "-m", "tfxkit.environment.verify", check]
    environment = {**paths.clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if result.returncode:
        last = result.stdout.decode(errors="replace").strip().splitlines()[-_LINES_OF_A_FAILURE:]
        raise SetUpError("\n".join([f"TFX {check} does not work here:", *last]))


def main(arguments: Sequence[str]) -> int:
    """Runs one check; returns the exit code.

    Args:
        arguments: `packages` and locks, or a key of `CHECKS`.
    """
    check, *locks = arguments
    if check == "packages":
        lines = differences(map(Path, locks))
        print("\n".join(lines))
        return int(bool(lines))
    CHECKS[check]()
    return 0


def _differences_from_pin(text: str) -> list[str]:
    from packaging.requirements import Requirement  # installed with the locks

    requirement = Requirement(text)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return []
    version = _installed_version(requirement.name)
    if version is None:
        return [f"{requirement.name} is missing"]
    if not requirement.specifier.contains(version, prereleases=True):
        return [f"{requirement.name} is {version}, locked {requirement.specifier}"]
    return []


def _differences_from_wheel(wheel: str) -> list[str]:
    from importlib.metadata import distribution  # new in Python 3.8

    name, version = name_and_version(wheel)
    installed = _installed_version(name)
    if installed is None:
        return [f"{name} is missing"]
    if installed != version:
        return [f"{name} is {installed}, locked =={version}"]
    # A package of this name from elsewhere may have the same version, and other files.
    try:
        with zipfile.ZipFile(wheel) as archive:
            [record] = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
            files = archive.read(record).decode().splitlines()
    except (OSError, ValueError, zipfile.BadZipFile):
        return [f"{wheel} cannot be read"]
    held = (distribution(name).read_text("RECORD") or "").splitlines()
    if not {file for file in files if "sha256=" in file} <= set(held):
        return [f"{name} {version} is not that of {wheel}"]
    return []


def _installed_version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # new in Python 3.8

    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
