"""Accepted and refused answers."""

from __future__ import annotations

import json

import pytest
import yaml

from template import answers
from template.errors import TemplateError
from template.names import Renamer
from tests.template.conftest import REPOSITORY
from tfxkit.config.formats import LONGEST_PIPELINE_NAME, is_pipeline_name

GOOD = {
    "project_name": "Trip tips",
    "project_slug": "trip-tips",
    "pipeline_name": "tips",
    "author_name": "Ada",
    "python_version": "3.12",
    "license": "MIT",
    "runs_on": "local",
    "dataset_csv": "",
    "dataset_label": "",
}


def check(**given: str) -> dict[str, str]:
    return answers.check({**GOOD, **given, "_template": "not a question"}, REPOSITORY, None)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"project_name": "Größe & Co. 2+1"},
        {"project_slug": "x", "pipeline_name": "a" * 58},
        {"author_name": "Zoë O'Brien, the third"},
        *({"runs_on": where} for where in ("kubeflow", "vertex", "all")),
        *({"python_version": version} for version in ("3.11", "3.13")),
        *({"license": name} for name in ("Apache-2.0", "Proprietary")),
        {
            "dataset_csv": "~/Größe (2).csv",
            "dataset_label": """ {{ 7 * 7 }} '"$(reboot)\\ """,
        },
    ],
    ids=str,
)
def test_taken(given):
    assert check(**given) == {**GOOD, **given}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("project_name", ""),
        ("project_name", "Iris: #1"),
        ("project_name", "1st"),
        ("project_name", "a\nb"),
        ("project_name", "{{ 7 * 7 }}"),
        ("project_slug", "Trip Tips"),
        ("project_slug", "../tips"),
        ("project_slug", "trip_tips"),
        ("project_slug", "tensorflow"),  # pip would take the project for it
        ("project_slug", "tfxkit"),
        ("pipeline_name", "1st"),
        ("pipeline_name", "trip_tips"),  # no name in Kubernetes
        ("pipeline_name", "a" * 59),
        ("author_name", 'A "B"'),
        ("author_name", "a\\"),
        ("author_name", "$(reboot)"),
        ("author_name", "`reboot`"),
        ("author_name", "{license}"),
        ("author_name", '"""); raise SystemExit(0)'),
        ("python_version", "3.10"),
        ("license", "GPL"),
        ("runs_on", "mars"),
        ("dataset_csv", "a\nb.csv"),
        ("dataset_label", "a\u2028b"),  # argparse would take it for two lines
    ],
)
def test_refused_with_the_question_and_what_would_do(question, answer):
    with pytest.raises(TemplateError) as error:
        check(**{question: answer})
    assert str(error.value).startswith(f"{question}: {answer!r} ")
    assert len(str(error.value).splitlines()) == 1


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(TemplateError) as error:
        check(license="GPL", runs_on="mars")
    assert len(str(error.value).splitlines()) == 2


def test_pipeline_names_have_the_limit_of_the_configuration():
    assert f"{{1,{LONGEST_PIPELINE_NAME}}}" in answers.FORMS["pipeline_name"][0]


@pytest.mark.parametrize("length", [4, 53, 54, 58])
def test_a_pipeline_name_of_any_length_leaves_a_valid_one_for_fast_runs(length):
    name = "trip-tips-of-a-taxi-company-in-a-city-by-the-lake-in-2026x"[:length].rstrip("-")
    renamed = Renamer({**GOOD, "pipeline_name": name})("pipeline: taxi-reference-fast")
    fast = renamed.removeprefix("pipeline: ")
    assert is_pipeline_name(fast) and fast.endswith("-fast") and fast != name


def test_a_package_of_any_lock_is_taken(tmp_path):
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "test.txt").write_text("pytest==9.0.1 \\\n    --hash=sha256:0\n")
    with pytest.raises(TemplateError, match="'pytest' is a package that the project depends on"):
        answers.check({**GOOD, "project_slug": "pytest"}, tmp_path, None)


def test_cookiecutter_and_copier_and_the_check_ask_the_same():
    cookiecutter = json.loads((REPOSITORY / "cookiecutter.json").read_text())
    copier = yaml.safe_load((REPOSITORY / "copier.yml").read_text())
    questions = [key for key in cookiecutter if not key.startswith("_")]
    assert questions == [key for key in copier if not key.startswith("_")] == list(answers.FORMS)
    for key in questions:
        assert cookiecutter["__prompts__"][key] == copier[key]["help"]
        if isinstance(cookiecutter[key], list):
            assert cookiecutter[key] == copier[key]["choices"]
            assert cookiecutter[key][0] == copier[key]["default"]
        elif "{{" not in cookiecutter[key]:
            assert cookiecutter[key] == copier[key]["default"]
