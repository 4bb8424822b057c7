"""The recipe of the image, and its build script; `make -C library test-containers` runs it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tomllib

import pytest
from packaging.specifiers import SpecifierSet

from tests.sample_project import LIBRARY, ROOT

PYTHON_OF_DEBIAN = {"trixie": "3.13"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
# One instruction a line, without comments.
LINES = [
    re.sub(r"\s+", " ", line)
    for line in re.sub(
        r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (ROOT / "deploy/Dockerfile").read_text())
    ).splitlines()
    if line.strip()
]
LAST_STAGE = LINES[max(i for i, line in enumerate(LINES) if line.startswith("FROM ")) :]


def instructions(word: str, lines: list[str]) -> list[str]:
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def test_the_python_of_the_base_is_one_of_the_project():
    [base] = [arg for arg in instructions("ARG", LINES) if arg.startswith("BASE=")]
    [release] = re.findall(r"^BASE=debian:(\w+)-slim$", base)
    assert SpecifierSet(PROJECT["requires-python"]).contains(PYTHON_OF_DEBIAN[release])


def test_nothing_is_installed_in_the_last_stage_and_nobody_is_root():
    assert not instructions("RUN", LAST_STAGE)
    assert all(copy.startswith("--from=build ") for copy in instructions("COPY", LAST_STAGE))
    [user] = instructions("USER", LAST_STAGE)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "runAsNonRoot wants a number"


def test_packages_come_by_hash():
    commands = "&&".join(instructions("RUN", LINES)).split("&&")
    installs = [
        each for each in commands if re.search(r"(pip sync|pip install|/pip install)", each)
    ]
    assert len(installs) == 4
    for command in installs:
        assert "--require-hashes" in command or "--no-deps" in command, command


def test_the_library_is_a_file_of_the_context_and_needs_no_network():
    [install] = [run for run in instructions("RUN", LINES) if "library.txt" in run]
    assert {"--offline", "--no-deps", "--require-hashes"} <= set(install.split())
    assert "tfxkit" not in " ".join(LINES), "a name would be looked up in an index"


def test_packages_library_and_project_are_a_layer_each_in_the_order_of_their_changes():
    prefixes = ["/opt/pipeline", "/opt/library", "/opt/project"]
    assert [copy.split()[1] for copy in instructions("COPY", LAST_STAGE)] == prefixes
    runs = " ".join(instructions("RUN", LINES))
    assert re.findall(r"(?:--prefix|venv --without-pip) (\S+)", runs) == prefixes
    copied = [copy.split()[0] for copy in instructions("COPY", LINES)]
    assert copied.index("vendor") < min(map(copied.index, ("components", "models", "pipeline")))


def test_no_place_of_packages_is_named():
    text = (ROOT / "deploy/Dockerfile").read_text() + (ROOT / "deploy/build.sh").read_text()
    assert not re.search("https?://", text)
    assert set(re.findall(r"[\w-]+\.(?:com|org|io|net|dev)\b", text)) <= {"example.com"}


def test_the_build_sees_what_it_copies_and_nothing_else():
    here = [copy.split() for copy in instructions("COPY", LINES) if "--from" not in copy]
    copied = {source.partition("/")[0] for *sources, _ in here for source in sources}
    assert IGNORED[1] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert not copied & {"configs", "data", "outputs", ".git", ".env"}


def test_labels_say_what_the_project_says():
    [labels] = instructions("LABEL", LAST_STAGE)
    assert f'image.title="{PROJECT["name"]}"' in labels
    assert f'image.licenses="{PROJECT["license"]}"' in labels


TOOLS = ("cp", "dirname", "find", "git", "mktemp", "rm", "sed", "sh", "touch")
# Writes down how it is called, and keeps a copy of the context.
BUILDER = """\
#!/bin/sh
echo {name} "$@" >>{folder}/calls
for context; do :; done
[ "$context" = info ] || cp -R "$context" {folder}/context
exit {code}
"""


@pytest.fixture
def build(tmp_path):
    """Runs the script with some builders."""

    def run(*builders: str, arguments: tuple[str, ...] = ("taxi:1",), project=ROOT, code=0):
        programs, temporary = tmp_path / "bin", tmp_path / "tmp"
        programs.mkdir()
        temporary.mkdir()
        for needed in TOOLS:
            (programs / needed).symlink_to(shutil.which(needed))
        for name in builders:
            program = programs / name
            program.write_text(BUILDER.format(name=name, folder=tmp_path, code=code))
            program.chmod(0o755)
        result = subprocess.run(
            ["sh", str(project / "deploy/build.sh"), *arguments],
            env={
                "PATH": str(programs),
                "HOME": os.environ.get("HOME", "/"),
                "TMPDIR": str(temporary),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert list(temporary.iterdir()) == [], "the context is removed"
        calls = tmp_path / "calls"
        return result, calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize(
    ("builders", "command"),
    [
        (("buildah", "docker", "podman"), "docker build"),
        (("buildah", "podman"), "podman build"),
        (("buildah",), "buildah build --layers"),
    ],
)
def test_whatever_builds_images_is_used(builders, command, build):
    result, calls = build(*builders, arguments=("taxi:1", "--no-cache"))
    assert result.returncode == 0, result.stderr
    assert calls[-1].startswith(f"{command} --platform linux/amd64 --file deploy/Dockerfile ")
    assert f" --tag taxi:1 --build-arg VERSION={PROJECT['version']} " in calls[-1]
    assert " --no-cache " in calls[-1]


def test_the_context_has_what_the_recipe_copies_with_the_library_as_a_wheel(build, tmp_path):
    before = git_status(ROOT)
    result, _ = build("podman")
    assert result.returncode == 0, result.stderr
    context = tmp_path / "context"
    for copy in instructions("COPY", LINES):
        if "--from" not in copy:
            for source in copy.split()[:-1]:
                assert list(context.glob(source)), source
    [wheel] = (context / "vendor").iterdir()
    version = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]["version"]
    assert wheel.name == f"tfxkit-{version}-py3-none-any.whl"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock = (context / "requirements" / "library.txt").read_text()
    assert f"vendor/{wheel.name} \\\n    --hash=sha256:{digest}\n" in lock
    assert git_status(ROOT) == before, "nothing is left in the repository"


def git_status(folder) -> str:
    command = ["git", "status", "--porcelain", "--ignored", "vendor", "requirements", "library"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_a_project_with_its_own_wheel_is_the_context_itself(build, tmp_path):
    project = tmp_path / "project"
    for name in ("deploy", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        project.mkdir(exist_ok=True)
        copy(ROOT / name, project / name)
    result, calls = build("podman", project=project)
    assert result.returncode == 0, result.stderr
    assert calls[-1].endswith(" .")


def test_a_build_that_fails_fails_the_script(build):
    result, _ = build("podman", code=7)
    assert result.returncode == 7


def test_without_a_builder_it_says_what_to_install(build):
    result, _ = build()
    assert result.returncode == 1
    assert "apt install podman" in result.stderr


def test_without_a_name_it_asks_for_one(build):
    result, calls = build("podman", arguments=("",))
    assert result.returncode == 2 and not calls
    assert "make image IMAGE=" in result.stderr
