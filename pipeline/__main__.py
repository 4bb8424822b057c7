"""Entry of `python -m pipeline`, and of the command in `.venv/bin` that pyproject.toml names."""

import importlib.util
import os
import sys
from pathlib import Path

NOT_INSTALLED = """\
The packages of this project are not installed in this Python ({python}): activate its environment
with `source .venv/bin/activate`, or, if there is none yet, make it with `make setup`.
"""


def main() -> int:
    """Hand this project to the library's command line, and return the exit code."""
    library = importlib.util.find_spec("tfxkit")
    if sys.argv[1:2] == ["doctor"] and (library or os.name == "posix"):
        if library is None:  # nothing is installed yet: setup.sh finds the library in this folder
            script = str(Path(__file__).parents[1] / "setup.sh")
            command = ["sh", script, "-m", "tfxkit.environment.doctor", *sys.argv[2:]]
            os.execvpe("sh", command, {**os.environ, "PYTHON": sys.executable})  # noqa: S606, S607
        from tfxkit.environment import doctor

        return doctor.main(sys.argv[2:])
    if library is None or importlib.util.find_spec("tfx") is None:
        sys.stderr.write(NOT_INSTALLED.format(python=sys.executable))
        return 2
    from tfxkit import cli

    return cli.start()


if __name__ == "__main__":
    sys.exit(main())
