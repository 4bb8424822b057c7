"""Names, passages, parts, rules, locks and tables, on texts."""

from __future__ import annotations

import subprocess

import pytest

from template import blocks, columns, lock, names, parts, rules, source
from template.errors import TemplateError
from tests.template.conftest import REPOSITORY
from tests.template.test_answers import GOOD

SHIPPED = (":!library", ":!template", ":!README.md", ":!CONTRIBUTING.md")
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
e # >>> cluster <<<
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
def test_a_mark_without_partner_is_an_error(text):
    with pytest.raises(TemplateError, match=r"a\.md"):
        blocks.drop(text, set(), "a.md")


def test_every_mark_names_a_part_and_every_pattern_a_file():
    tracked = source.files(REPOSITORY)
    marked = subprocess.run(
        ["git", "grep", "-hoE", "(#|<!--) >>> [a-z]+", "--", *SHIPPED],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert {line.split()[-1] for line in marked.stdout.splitlines()} <= parts.PATHS.keys()
    for part, patterns in parts.PATHS.items():
        for pattern in patterns:
            assert any(parts.matches(path, (pattern,)) for path in tracked), (part, pattern)


def test_no_symbolic_links_are_tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-s"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert not [line for line in listed.stdout.splitlines() if line.startswith("120000")]


PROJECT = """\
version = "0.2.0"
description = "A pipeline"
authors = []
license = "Apache-2.0"
"""


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"author_name": "Zoë"}, 'authors = [{ name = "Zoë" }]'),
        ({"license": "MIT"}, 'license = "MIT AND Apache-2.0"'),
        ({"license": "Apache-2.0"}, 'license = "Apache-2.0"'),
        ({}, 'description = "A pipeline"'),
        (
            {"dataset_csv": "a/Cats.csv", "dataset_label": 'the "kind"'},
            'description = "Trip tips: a TFX pipeline that predicts the \\"kind\\" from cats.csv"',
        ),
        (
            {"dataset_csv": "a.parquet"},
            'description = "Trip tips: a TFX pipeline that learns from a.parquet"',
        ),
    ],
)
def test_values_are_put_in(given, line):
    assert line in rules.put("pyproject.toml", PROJECT, {**GOOD, **given}).splitlines()


@pytest.mark.parametrize("wrong", [PROJECT.replace("authors", "people"), PROJECT * 2])
def test_a_rule_has_to_match_once(wrong):
    with pytest.raises(TemplateError, match="times, not once"):
        rules.put("pyproject.toml", wrong, GOOD)


LIBRARY = """\
[project]
dependencies = ["base==1", "shared"]
[project.optional-dependencies]
kubeflow = ["kfp==2", "kfp_kubernetes"]
vertex = ["kfp==2"]
serving = ["server; python_version > '3'"]
"""
LOCK = """\
# by uv
base==1 \\
    --hash=sha256:0
    # via tfxkit
click==8 \\
    --hash=sha256:1
    # via
    #   kfp
    #   server
    #   shared
helper==1
    # via kfp-kubernetes
kfp==2
    # via
    #   kfp-kubernetes
    #   tfxkit
kfp-kubernetes==1
    # via tfxkit
mystery==1
only==3
    # via
    #   click
    #   kfp
own==1
    # via -r pyproject.toml
server==1
    # via tfxkit
shared==1
    # via
    #   kfp
    #   tfxkit
"""


@pytest.mark.parametrize(
    ("kept", "left", "shared"),
    [
        (
            ("kubeflow", "vertex", "serving"),
            "base click helper kfp kfp-kubernetes mystery only own server shared",
            "    # via\n    #   kfp\n    #   tfxkit\n",
        ),
        (
            ("vertex", "serving"),
            "base click kfp mystery only own server shared",
            "    # via\n    #   kfp\n    #   tfxkit\n",
        ),
        (("serving",), "base click mystery only own server shared", "    # via tfxkit\n"),
        ((), "base click mystery only own shared", "    # via tfxkit\n"),
    ],
)
def test_a_lock_without_an_extra_lacks_what_only_that_needs(kept, left, shared, tmp_path):
    (tmp_path / "pyproject.toml").write_text(LIBRARY)
    text = lock.prune(LOCK, tmp_path, kept)
    assert [line.split("==")[0] for line in text.splitlines() if "==" in line] == left.split()
    assert text.startswith("# by uv\nbase==1 \\\n    --hash=sha256:0\n    # via tfxkit\n")
    assert text.endswith(f"shared==1\n{shared}")
    assert (text == LOCK) == ("kubeflow" in kept)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("a,b\n1,2.5\n3,\n", {"a": 1, "b": 2.5}),
        ("a;b c\n1;x\n", {"a": 1, "b c": "x"}),
        ("a;b;c\n10,5;1;x\n2;2,5;y,1\n", {"a": 10.5, "b": 1.0, "c": "x"}),
        ("zip,n\n01234,-1\n12345,2\n", {"zip": "01234", "n": -1}),
        ("degrees,code\n1.5,-012\n-0.5,2\n", {"degrees": 1.5, "code": "-012"}),
        ("a,b\n,nan\n1,2\n", {"a": None, "b": "nan"}),
        ('"a, b",c\n"x\ny",1.\n', {"a, b": "x\ny", "c": 1.0}),
        ("day\n2024-02-29\n", {"day": "2024-02-29"}),
    ],
)
def test_a_row_is_read_with_types(text, row, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    table = columns.read_head(tmp_path / "a.csv")
    assert table is not None
    typed = columns.typed_row(table)
    assert typed == row
    assert [type(value) for value in typed.values()] == [type(value) for value in row.values()]


@pytest.mark.parametrize("content", [b"", b"PAR1\0\0", "a,b\n".encode("utf-16")])
def test_what_is_no_table_in_text_is_left_alone(content, tmp_path):
    (tmp_path / "a.csv").write_bytes(content)
    assert columns.read_head(tmp_path / "a.csv") is None
