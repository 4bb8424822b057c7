"""Names, passages, parts and rules, on texts."""

from __future__ import annotations

import subprocess

import pytest

from template import blocks, names, parts, rules, source
from template.errors import TemplateError
from tests.template.conftest import REPOSITORY

NEW = {
    "project_name": "TFX reference pipeline of Ada",  # an old name may be in a new one
    "project_slug": "trip-tips",
    "pipeline_name": "tips",
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# TFX reference pipeline", "# TFX reference pipeline of Ada"),
        ("~/tfx-reference-pipeline/x", "~/trip-tips/x"),
        ("tfx_reference_pipeline.egg-info", "trip_tips.egg-info"),
        ("TFX_REFERENCE_PIPELINE=1", "TRIP_TIPS=1"),
        ("class TfxReferencePipeline:", "class TripTips:"),
        ("pipeline: taxi-reference-fast", "pipeline: tips-fast"),
        ("registry.example.com/taxi-reference:1", "registry.example.com/tips:1"),
        ("data/taxi, staxi-references", "data/taxi, staxi-references"),
    ],
)
def test_every_spelling_is_replaced_once(old, new):
    assert names.Renamer(NEW)(old) == new


def test_what_is_left_over_is_found_in_any_spelling():
    lines = ["TFX.Reference", "taxi reference", "my taxi", "the TFX reference pipeline of Ada"]
    assert list(names.left_over(iter(lines), NEW)) == lines[:2]


TEXT = """\
a
# >>> kubeflow
b
<!-- >>> vertex -->
c
<!-- <<< vertex -->
# <<< kubeflow
| d | <!-- >>> vertex <<< -->
e # >>> template <<<
>>> f
"""


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (set(), ["a", ">>> f"]),
        ({"kubeflow"}, ["a", "b", ">>> f"]),
        ({"vertex"}, ["a", "| d |", ">>> f"]),
        ({"kubeflow", "vertex"}, ["a", "b", "c", "| d |", ">>> f"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_passages_go_with_their_parts(wanted, left, end):
    text = blocks.drop(TEXT.replace("\n", end), wanted, "README.md")
    assert text == "".join(line + end for line in left)


def test_no_blank_lines_are_left_where_the_last_passage_was():
    assert blocks.drop("a\n\n# >>> vertex\nb\n\n# <<< vertex\n", set(), "a.py") == "a\n"
    assert blocks.drop("\n# >>> vertex\nb\n# <<< vertex\n", set(), "a.py") == "\n"


def test_a_text_without_marks_stays_as_it_is():
    for text in ("", "a", "a\n\n\fb\x85c\u2028d"):
        assert blocks.drop(text, set(), "a.txt") == text


@pytest.mark.parametrize(
    "text", ["# >>> kubeflow\n", "# <<< kubeflow\n", "# >>> kubeflow\n# <<< vertex\n"]
)
def test_a_mark_without_partner_is_told(text):
    with pytest.raises(TemplateError, match=r"a\.md"):
        blocks.drop(text, set(), "a.md")


def test_a_rule_has_to_match_once():
    answers = {"author_name": "A", "license": "MIT", "python_version": "3.12", "dataset_csv": ""}
    values = rules.values(answers)
    text = "authors = []\nversion = 1\nlicense = 2\n"
    assert 'license = "MIT AND Apache-2.0"' in rules.put("pyproject.toml", text, values)
    for wrong in (text.replace("authors", "people"), text * 2):
        with pytest.raises(TemplateError, match="times, not once"):
            rules.put("pyproject.toml", wrong, values)


def test_every_mark_names_a_part_and_every_pattern_a_file():
    tracked = source.files(REPOSITORY)
    marked = subprocess.run(
        ["git", "grep", "-hoE", "(#|<!--) >>> [a-z]+", "--", ":!tests/template", ":!template"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.split()[-1] for line in marked.stdout.splitlines()} <= parts.PATHS.keys()
    for patterns in parts.PATHS.values():
        for pattern in patterns:
            assert any(parts.matches(path, (pattern,)) for path in tracked), pattern


def test_no_symbolic_links_are_tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not [line for line in listed.stdout.splitlines() if line.startswith("120000")]
