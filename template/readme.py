"""README of a project: about its data, its commands and the files of its owner.

The part between two marks is empty: the first run that pushes a model fills in the task, the
columns in use and its numbers (`tfxkit.report.readme`).
"""

from __future__ import annotations

import json
import re
import string
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from template import columns, own_data, parts

PATH = "README.md"
_TEMPLATE = "template/README.md"
_SAMPLE = "data/taxi/span-1/trips-2013.csv"
_SAMPLE_LABEL = ("tips",)  # the label is made from it, so no request has it
_WIDTH, _PAGE, _ROWS = 96, 110, 3
_STEPS = (
    "It checks the data, trains and evaluates a model, compares it with the one being served, and "
    "pushes it if it is good enough."
)
_PIPELINE = "A [TFX](https://www.tensorflow.org/tfx) pipeline that {}. " + _STEPS
_ON_A_CLUSTER = """
## On {where}

```sh
make image IMAGE=registry.example.com/{name}:1 # push it, and name it in {files}
{commands}
```

[deploy/README.md](deploy/README.md) lists what lies in `deploy/`.
"""
_DOCUMENTATION = (
    "The documentation of the library comes with its wheel: `{command} docs` lists the pages, "
    "`{command} docs configuration` prints one, `{command} docs --search WORD` finds a word."
)
_UPDATE = {
    False: "`pip install copier`, then `copier update --trust` with everything committed",
    True: "`pip install cruft`, then `cruft update` with everything committed",
}
_CONFLICTS = {
    False: (
        "`copier update` merges: your edits stay. If you and the template changed the same lines, "
        "copier lists the files as conflicts at the end, and exits with an error."
    ),
    True: (
        "`cruft update` merges: your edits stay. If you and the template changed the same lines, "
        "the file has both versions, or the template's change is in a file `.rej` beside it."
    ),
}
_TARGETS = {"kubeflow": "Kubeflow Pipelines", "vertex": "Vertex AI"}


def write(
    repository: Path,
    target: Path,
    answers: Mapping[str, str],
    pages: Iterable[str],
    by_cruft: bool,
) -> None:
    """Writes the README.

    Args:
        repository: The template.
        target: The project's folder, with all other files.
        answers: Checked ones.
        pages: Paths of the pages of documentation that the project has.
        by_cruft: Whether cruft updates the project, in place of copier.
    """
    text = (repository / _TEMPLATE).read_text(encoding="utf-8")
    known = _own_data(target, answers) if answers["dataset_csv"] else _sample(target, answers)
    values = {
        **answers,
        **{name: value if name == "request" else _fill(value) for name, value in known.items()},
        "pages": _reading(target, pages, answers["project_slug"]),
        "cluster": _cluster(answers),
        "update": _UPDATE[by_cruft],
        "conflicts": _fill(_CONFLICTS[by_cruft]),
    }
    (target / PATH).write_text(string.Template(text).substitute(values), encoding="utf-8")


def _sample(target: Path, answers: Mapping[str, str]) -> dict[str, str]:
    return {
        "purpose": _PIPELINE.format(
            "predicts whether a taxi passenger will tip more than a fifth of the fare"
        ),
        "data": (
            "The data is a sample, 15,002 taxi trips in Chicago: [data/README.md](data/README.md). "
            "`configs/dataset.yaml` describes its columns: the label, and the role of each other."
        ),
        "predict": _predict(target, _SAMPLE, answers["project_slug"]),
        "request": _request(target / _SAMPLE, answers, _SAMPLE_LABEL),
    }


def _own_data(target: Path, answers: Mapping[str, str]) -> dict[str, str]:
    place, label = own_data.place(answers["dataset_csv"]), answers["dataset_label"]
    file = _code(Path(place).name)
    return {
        "purpose": _PIPELINE.format(
            f"predicts {_code(label)} from {file}" if label else f"learns from {file}"
        ),
        "data": (
            f"The data is [{place}]({place}). The first `make run` looks at it and writes "
            f"`configs/dataset.yaml`: the label{f', {_code(label)},' if label else ''} and the "
            "role of each other column, with the reasons. Correct what you know better. To start "
            f"again after an edit of `configs/init.txt`: `{answers['project_slug']} init "
            "@configs/init.txt --force`."
        ),
        "predict": _predict(target, place, answers["project_slug"]),
        "request": _request(target / place, answers, (label,) if label else ()),
    }


def _cluster(answers: Mapping[str, str]) -> str:
    """Section about the clusters that the project runs on; '' if it runs on none."""
    targets = [target for target in _TARGETS if target in parts.RUNS_ON[answers["runs_on"]]]
    if not targets:
        return ""
    return _ON_A_CLUSTER.format(
        where=" and ".join(_TARGETS[target] for target in targets),
        name=answers["pipeline_name"],
        files=" and ".join(f"configs/{target}.yaml" for target in targets),
        commands="\n".join(
            f"{answers['project_slug']} submit --target {target} --wait" for target in targets
        ),
    )


def _predict(target: Path, place: str, command: str) -> str:
    """Commands that predict for the first rows of a file; for all if lines are no rows."""
    table = columns.read_head(target / place)
    if table is None or any("\n" in value for row in table.rows[:_ROWS] for value in row):
        return f"{command} predict {place}"
    head = f"head -n {_ROWS + 1}"
    read = f"gzip -dc {place} | {head}" if place.endswith(".gz") else f"{head} {place}"
    return f"{read} >rows.csv # the header and {_ROWS} rows\n{command} predict rows.csv"


def _request(file: Path, answers: Mapping[str, str], without: Iterable[str]) -> str:
    """A request to `serve` with the first row of the data; '' if it cannot be read as text."""
    table = columns.read_head(file)
    if table is None or not table.rows:
        return ""
    row = {name: value for name, value in columns.typed_row(table).items() if name not in without}
    items = [json.dumps({name: row[name]}, ensure_ascii=False)[1:-1] for name in row]
    lines = ['{"examples": [{']
    for item in items:
        if len(lines[-1]) + len(item) > _WIDTH:
            lines.append("")
        lines[-1] += item + ", "
    body = "\n".join(line.rstrip() for line in lines).removesuffix(",") + "}]}"
    address = f"localhost:8501/v1/models/{answers['pipeline_name']}:predict"
    return (
        "\nA request from a second terminal, with the first row of the data:\n\n"
        f"```sh\ncurl {address} --data @- <<'END'\n{body}\nEND\n```\n"
    )


def _code(text: str) -> str:
    """Text in the typewriter font of Markdown, whatever is in it."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if longest or text != text.strip() else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def _reading(target: Path, pages: Iterable[str], command: str) -> str:
    """Section with the pages of documentation, the project's and the library's."""
    listed = "".join(f"- [{page}]({page}): {_title(target / page)}\n" for page in pages)
    library = _fill(_DOCUMENTATION.format(command=command))
    return "\n## Read on\n\n" + (f"{listed}\n{library}" if listed else library)


def _fill(text: str) -> str:
    return "\n".join(
        textwrap.fill(line, _PAGE, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def _title(page: Path) -> str:
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line.removeprefix("# ").strip()
    return page.stem
