"""The command line: the subcommands of `tfxkit.commands`, signals, errors and exit codes."""

from __future__ import annotations

import argparse
import difflib
import gc
import sys
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePath
from typing import NoReturn

from tfxkit.commands import Subcommand, all_subcommands
from tfxkit.errors import DataError, MachineError, ModelError, StorageError, UsageError
from tfxkit.runs import interruption

__all__ = ["start"]

EXIT_CODES = """\
exit codes: 0 pushed, or already served; 1 failed; 2 wrong usage or configuration;
3 finished, but the model is not approved; 4 stopped because of the data; 130 interrupted"""


def start() -> int:
    """Runs the command line as all of a process, which ends with the exit code that this returns.

    Garbage collection suits thousands of modules, which all stay, and an interruption ends in a
    line and an exit code wherever it comes.
    """
    # Python's default is to look for garbage every 700 objects, and once more at the end: that
    # takes as long as a third of the imports.
    gc.set_threshold(200_000)
    try:
        with interruption.Interruption().watched():
            exit_code = main()
    except KeyboardInterrupt:  # before a subcommand began
        sys.stderr.write(f"{interruption.MESSAGE}\n")
        exit_code = interruption.EXIT_CODE
    # After a Ctrl-C that came while a text was executed, as in a dataclass, Python ends by SIGINT
    # although it was caught. The next text takes that back (CPython 3.11 to 3.13, pythonrun.c).
    exec("")  # noqa: S102 - a text without anything
    gc.freeze()
    return exit_code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv: The arguments after the program's name; those of the process if None.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    subcommands = all_subcommands()
    _refuse_unknown(arguments, subcommands)
    args = _parser(subcommands).parse_args(arguments)
    try:
        with interruption.Interruption().watched():
            return args.run(args)
    except BrokenPipeError:  # the reader of our output is gone, as in `… | head`
        sys.stderr.close()
        return 0
    except KeyboardInterrupt as error:
        explained = isinstance(error, interruption.ExplainedInterrupt)
        print(error if explained else interruption.MESSAGE, file=sys.stderr)
        return interruption.EXIT_CODE
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except DataError as error:
        print(error, file=sys.stderr)
        return 4
    except (MachineError, ModelError, StorageError) as error:
        print(error, file=sys.stderr)
        return 1


def _refuse_unknown(arguments: Sequence[str], known: Collection[str]) -> None:
    """Exits with the nearest subcommand, where argparse would only list them all."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in known:
        near = difflib.get_close_matches(arguments[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
        sys.stderr.write(f"There is no subcommand {arguments[0]!r}; {hint}\n")
        sys.exit(2)


class _Version(argparse.Action):
    """Prints the versions of the project and of the library."""

    def __call__(self, *_: object) -> NoReturn:
        """Ends the process with 0."""
        from tfxkit import __version__
        from tfxkit.project import project_root

        try:
            described = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))
            project = described["project"]
            print(project["name"], project["version"])
        except (OSError, ValueError, KeyError):  # an image has the code alone
            pass
        print("tfxkit", __version__)
        sys.exit(0)


def _program() -> str:
    """The command as it was given: `python -m pipeline`, or a script named after the project."""
    name = PurePath(sys.argv[0]).name
    return "python -m pipeline" if name == "-c" or name.endswith(".py") else name


def _parser(subcommands: Mapping[str, Subcommand]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_program(),
        description="Run the pipeline, inspect its runs, and serve its models.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version",
        action=_Version,
        nargs=0,
        help="print the versions of the project and of tfxkit, and exit",
    )
    subparsers = parser.add_subparsers(title="subcommands", metavar="SUBCOMMAND", required=True)
    for name, subcommand in subcommands.items():
        subparser = subparsers.add_parser(
            name,
            help=subcommand.description.split("\n", 1)[0].rstrip("."),
            description=subcommand.description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subcommand.add_arguments(subparser)
        subparser.set_defaults(run=subcommand.run)
    return parser
