"""Entry of `python -m pipeline`, and of the console script that pyproject.toml names."""

import importlib.util
import os
import sys
from pathlib import Path

NOT_INSTALLED = """\
This Python ({python}) lacks the packages of the project. Activate the project's environment with
`source .venv/bin/activate`. If there is none yet, create it with `make setup`.
"""


def main() -> int:
    """Passes the command line to the library, and returns the exit code."""
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
