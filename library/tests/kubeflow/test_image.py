"""The recipe of the image, and the script that builds it; `make test-containers` runs the image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[3]
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
    commands = " ".join(instructions("RUN", LINES)).split("&&")
    installs = [
        each for each in commands if re.search(r"(pip sync|pip install|/pip install)", each)
    ]
    assert len(installs) == 3
    for command in installs:
        assert "--require-hashes" in command or "--no-deps" in command, command


def test_no_place_of_packages_is_named():
    text = (ROOT / "deploy/Dockerfile").read_text() + (ROOT / "deploy/build.sh").read_text()
    assert not re.search("https?://", text)
    assert set(re.findall(r"[\w-]+\.(?:com|org|io|net|dev)\b", text)) <= {"example.com"}


def test_the_build_sees_what_it_copies_and_nothing_else():
    here = [copy.split() for copy in instructions("COPY", LINES) if "--from" not in copy]
    copied = {source for *sources, _ in here for source in sources}
    assert IGNORED[1] == "*"
    assert {line[1:] for line in IGNORED if line.startswith("!")} == copied
    assert not copied & {"configs", "data", "outputs", ".git", ".env"}


def test_labels_say_what_the_project_says():
    [labels] = instructions("LABEL", LAST_STAGE)
    assert f'image.title="{PROJECT["name"]}"' in labels
    assert f'image.licenses="{PROJECT["license"]}"' in labels


@pytest.fixture
def build(tmp_path):
    """Runs the script with some builders, of which each writes down how it is called."""

    def run(*builders: str, arguments: tuple[str, ...] = ("taxi:1",)):
        programs = tmp_path / "bin"
        programs.mkdir()
        for needed in ("dirname", "git", "sed", "sh"):
            (programs / needed).symlink_to(shutil.which(needed))
        for builder in builders:
            program = programs / builder
            program.write_text(f'#!/bin/sh\necho {builder} "$@" >>{tmp_path}/calls\n')
            program.chmod(0o755)
        result = subprocess.run(
            ["sh", str(ROOT / "deploy/build.sh"), *arguments],
            env={"PATH": str(programs), "HOME": os.environ.get("HOME", "/")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
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
    assert calls[-1].endswith(" --no-cache .")


def test_without_a_builder_it_says_what_to_install(build):
    result, _ = build()
    assert result.returncode == 1
    assert "apt install podman" in result.stderr


def test_without_a_name_it_asks_for_one(build):
    result, calls = build("podman", arguments=("",))
    assert result.returncode == 2 and not calls
    assert "make image IMAGE=" in result.stderr
