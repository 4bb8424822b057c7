"""A small project with the real set-up, real pip and real uv, whose locks need no network."""

from __future__ import annotations

import base64
import hashlib
import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

from tests.sample_project import LIBRARY, ROOT
from tfxkit.environment import glibc

PYTHON = sys._base_executable  # what stands behind a virtual environment
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def make_wheel(folder: Path, name: str, version: str, tag: str, files: dict[str, bytes]) -> str:
    """Writes a wheel and returns its line for a lock."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    purelib = str(tag.endswith("none-any")).lower()
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {purelib}\nTag: {tag}\n".encode(),
    }
    record = [f"{path},sha256={_record_hash(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, data)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name.replace('_', '-')}=={version} \\\n    --hash=sha256:{digest}\n"


def repack(folder: Path, name: str) -> str:
    """Makes the wheel of an installed package again, and returns its line for a lock."""
    distribution = metadata.distribution(name)
    files = {}
    for file in distribution.files or ():
        path = str(file).replace("../../../bin/", f"{name}-{distribution.version}.data/scripts/")
        if ".dist-info/" not in path and "__pycache__" not in path:
            files[path] = Path(str(file.locate())).read_bytes()
    return make_wheel(folder, name, distribution.version, "py3-none-any", files)


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Project:
    """A project with the real set-up and hardly anything in its locks."""

    def __init__(self, root: Path, wheels: Path) -> None:
        """Copies the set-up and the library, and locks three small packages."""
        self.root, self.wheels = root, wheels
        self.venv = root / ".venv"
        self.python = self.venv / "bin" / "python"
        self.library = root / "library"
        self.environment_package = self.library / "src" / "tfxkit" / "environment"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(LIBRARY / "src", self.library / "src", ignore=ignored)
        for name in ("build_backend.py", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"):
            shutil.copy(LIBRARY / name, self.library)
        (root / "pipeline").mkdir()
        for name in ("pipeline/__init__.py", "pipeline/__main__.py"):
            shutil.copy(ROOT / name, root / name)
        for name in ("Makefile", "pyproject.toml", "setup.sh"):
            shutil.copy(ROOT / name, root / name)
        # TFX is not there: this proves what is, in the same way.
        verify = self.environment_package / "verify.py"
        real = 'CHECKS = {"metadata": metadata, "statistics": statistics}'
        assert real in verify.read_text()
        verify.write_text(
            verify.read_text().replace(real, 'CHECKS = {"tiny": lambda: __import__("tiny")}')
        )
        (root / "requirements").mkdir()
        self.lock("installer", repack(wheels, "uv"))
        self.tiny = make_wheel(wheels, "tiny", "1.0", "py3-none-any", {"tiny.py": b"VERSION = 1\n"})
        self.native = "".join(_native_wheels(wheels)) if sys.platform == "linux" else ""
        self.lock("runtime", repack(wheels, "packaging") + self.tiny + self.native)
        for group in ("test", "notebooks"):
            self.lock(group, make_wheel(wheels, f"for_{group}", "1.0", "py3-none-any", {}))

    def vendor(self) -> Path:
        """Turns it into a generated project: with the library as a wheel, which is returned.

        Another call builds the wheel again, from the same source.
        """
        vendor = self.root / "vendor"
        vendor.mkdir(exist_ok=True)
        if self.library.is_relative_to(self.root):  # the first call: its source goes elsewhere
            self.library = self.library.rename(self.wheels / "library")
            self.environment_package = self.library / "src" / "tfxkit" / "environment"
        backend = runpy.run_path(str(self.library / "build_backend.py"))
        wheel = vendor / backend["build_wheel"](vendor)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        self.lock("library", f"vendor/{wheel.name} \\\n    --hash=sha256:{digest}\n")
        return wheel

    def lock(self, name: str, text: str) -> None:
        """Writes one of the locks."""
        (self.root / "requirements" / f"{name}.txt").write_text(text)

    def environment(self, **more: str) -> dict[str, str]:
        """Variables with which pip and uv find the wheels of the tests, and nothing else."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MAKE") and name != "PYTHONPATH"
        }
        return {
            **inherited,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.wheels),
            "UV_CACHE_DIR": str(self.wheels / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHON": PYTHON,
            **more,
        }

    def start(self, *target: str, **variables: str) -> subprocess.Popen[str]:
        """Starts `make setup`, or another target, in a session of its own."""
        return subprocess.Popen(
            ["make", *(target or ("setup",))],
            cwd=self.root,
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *target: str, **variables: str) -> tuple[int, str]:
        """Runs `make setup`, or another target; returns exit code and output."""
        process = self.start(*target, **variables)
        output, _ = process.communicate(timeout=300)
        return process.returncode, output


def _native_wheels(wheels: Path) -> list[str]:
    """The two wheels that ask for a newer glibc, with nothing but their native module inside."""
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    tag = f"{python}-{python}-manylinux_2_39_x86_64"
    return [
        make_wheel(
            wheels,
            name.replace("-", "_"),
            "1.21.0",
            tag,
            {module: (SITE_PACKAGES / module).read_bytes()},
        )
        for name, module in zip(glibc.DISTRIBUTIONS, glibc.MODULES, strict=True)
    ]
