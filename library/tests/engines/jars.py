"""The jars of an engine, as Maven finds them from the engine's `pom.xml`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = {"java": "openjdk-17-jre-headless", "mvn": "maven"}


def missing_tools() -> str | None:
    """Packages to install before an engine can be started, if any."""
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if not missing:
        return None
    packages = " ".join(TOOLS[name] for name in missing)
    return f"Engines need {' and '.join(missing)} (Debian, Ubuntu: apt-get install {packages})"


def class_path(engine: str, folder: Path) -> str:
    """All jars of an engine, as Java's `-cp` takes them; Maven keeps them for the next time.

    Args:
        engine: The folder of its `pom.xml` beside this file.
        folder: Takes what Maven writes.
    """
    target = folder / f"{engine}.classpath"
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(HERE / engine / "pom.xml")]
    command += ["dependency:build-classpath", f"-Dmdep.outputFile={target}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"Maven cannot get the jars of {engine}:\n{done.stdout[-3000:]}"
    return target.read_text().strip()
