"""A data set of the user's own: its place in the new project, and the arguments of its `init`."""

from __future__ import annotations

import difflib
import re
import shutil
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path

from template import columns
from template.errors import TemplateError

INIT = "configs/init.txt"  # arguments of `python -m pipeline init`, one in a line
README = "data/README.md"
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_JSON_LINES = (".jsonl", ".ndjson")
_HEAD, _SHOWN = 1 << 16, 300
# Files that `init` reads: packed by gzip, bzip2, xz and Zstandard, Parquet, UTF-16.
_BINARY = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xff\xfe", b"\xfe\xff")


def problems(answers: Mapping[str, str], folder: Path) -> list[str]:
    """Problems with the answers about a data set, a line each.

    Args:
        answers: `dataset_csv` and `dataset_label`, '' where there is none.
        folder: Where a relative path starts.
    """
    given, label = answers["dataset_csv"], answers["dataset_label"]
    if not given:
        lonely = f"dataset_label: {label!r} needs dataset_csv, the file with this column"
        return [lonely] if label else []
    path = source(given, folder)
    if not path.is_file():
        what = "is a folder; name one file" if path.is_dir() else "does not exist"
        return [f"dataset_csv: {given!r} is invalid: {path} {what}"]
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return [f"dataset_csv: {given!r} is invalid: {path} is empty"]
    if label and not _may_have(head, label):
        return [f"dataset_label: {label!r} is invalid: {_no_such_column(path, head, label)}"]
    return []


def place(given: str) -> str:
    """The path of a data set in the project; that of such a path is itself.

    Args:
        given: The path that the user named.
    """
    stem, _, _ = Path(given).name.partition(".")
    name = slug(stem)[:40].rstrip("-") or "own-data"
    kind = _kind([end.lower() for end in Path(given).suffixes])
    return f"data/{name}/span-1/{name}{kind}"


def _kind(ends: list[str]) -> str:
    """End of the name in the project, by the ends of the user's; unknown ones are of CSV."""
    if ends[-1:] == [".parquet"]:
        return ".parquet"
    packed = ends.pop() if ends and ends[-1] in _PACKED else ""
    is_json = bool(ends) and ends[-1] in _JSON_LINES
    return f"{'.jsonl' if is_json else '.csv'}{packed}"


def source(given: str, folder: Path) -> Path:
    """The user's file; in an update from inside of a project, its copy there if the file is gone.

    Args:
        given: The path that the user named.
        folder: Where a relative path starts.
    """
    file, copy = folder / Path(given).expanduser(), folder / place(given)
    return copy if copy.is_file() and not file.exists() else file


def slug(text: str) -> str:
    """Lower-case words with hyphens; Latin letters without their accents."""
    letters = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def write(
    repository: Path,
    target: Path,
    answers: Mapping[str, str],
    folder: Path,
    kept: Callable[[str], bool],
) -> None:
    """Writes what a project with a data set of its own has instead of the sample.

    The data itself is left out where the user's file does not exist: in an update of a project,
    which has it already.

    Args:
        repository: The template.
        target: The project's folder.
        answers: Checked ones.
        folder: Where a relative path starts.
        kept: Whether a file that is there already, by its path in the project, stays as it is.

    Raises:
        TemplateError: If the data cannot be copied.
    """
    data, label = place(answers["dataset_csv"]), answers["dataset_label"]
    told = [f"--data={Path(data).parents[1].as_posix()}", f"--name={answers['pipeline_name']}"]
    told += [f"--label={label}"] if label else []
    readme = (repository / "template" / "data_readme.md").read_text(encoding="utf-8")
    contents = {
        INIT: "\n".join(told) + "\n",
        README: readme.format(file=Path(data).relative_to("data").as_posix()),
    }
    for path, text in contents.items():
        if not ((target / path).exists() and kept(path)):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
    file = source(answers["dataset_csv"], folder)
    there = (target / data).exists()
    if file.is_file() and not (there and (kept(data) or file.samefile(target / data))):
        (target / data).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(file, target / data)
        except OSError as error:
            raise TemplateError(f"dataset_csv: {file} cannot be copied: {error}") from error


def _no_such_column(path: Path, head: bytes, label: str) -> str:
    """The reason for refusing a label: the nearest column, or all of them."""
    table = columns.read_head(path)
    if table is None:
        names = head.splitlines()[0].decode("utf-8", "replace")[:_SHOWN]
        return f"{path} begins with {names!r}"
    by_letters = {re.sub(r"[\W_]+", "", name.lower()): name for name in reversed(table.columns)}
    wanted = re.sub(r"[\W_]+", "", label.lower())
    if near := difflib.get_close_matches(wanted, by_letters, n=1):
        return f"{path} has no such column; did you mean {by_letters[near[0]]!r}?"
    shown = ", ".join(table.columns)
    shown = f"{shown[:_SHOWN]}…" if len(shown) > _SHOWN else shown
    return f"{path} has no such column; there are: {shown}"


def _may_have(head: bytes, label: str) -> bool:
    """True if the first line may name the column; doubtful cases are left to `init`."""
    if head.startswith(_BINARY):
        return True
    line = head.split(b"\n")[0]
    # A name that goes on in the next line; a title, a comment, Excel's sep=; an object of JSON.
    if line.count(b'"') % 2 or not any(sign in line for sign in b",;\t|"):
        return True
    if line.lower().lstrip(b'"\xef\xbb\xbf').startswith((b"sep=", b"#", b"{")):
        return True
    written = (label, label.replace('"', '""'))
    return any(
        name.encode(code, "replace") in line for name in written for code in ("utf-8", "cp1252")
    )
