"""Entry of `python -m pipeline`."""

import gc
import importlib.util
import sys


def main() -> int:
    """Runs a verb with a garbage collector that suits thousands of modules, which all stay."""
    # Python's default is to look for garbage every 700 objects, and once more at the end: that
    # takes as long as a third of the imports.
    gc.set_threshold(200_000)
    from tfxkit.runs import interruption

    try:
        with interruption.Interruption().watched():
            from tfxkit import cli

            exit_code = cli.main()
    except KeyboardInterrupt:  # before a verb began
        sys.stderr.write(f"{interruption.MESSAGE}\n")
        exit_code = interruption.EXIT_CODE
    # After a Ctrl-C that came while a text was executed, as in a dataclass, Python ends by SIGINT
    # although it was caught. The next text takes that back (CPython 3.11 to 3.13, pythonrun.c).
    exec("")  # noqa: S102 - a text without anything
    gc.freeze()
    return exit_code


if sys.argv[1:2] == ["doctor"]:  # must work with any Python, before anything is installed
    from tfxkit.environment.doctor import main as doctor

    sys.exit(doctor(sys.argv[2:]))

if importlib.util.find_spec("tfx") is None and not {"-h", "--help"} & set(sys.argv[1:]):
    sys.stderr.write(
        f"TFX is not installed in this Python ({sys.executable}). Activate the environment of the "
        "project: source .venv/bin/activate\nIf there is none yet: make setup\n"
    )
    sys.exit(2)

sys.exit(main())
