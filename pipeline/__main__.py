"""Entry of `python -m pipeline`."""

import gc
import importlib.util
import sys

if sys.argv[1:2] == ["doctor"]:  # must work with any Python, before anything is installed
    from pipeline.environment.doctor import main as doctor

    sys.exit(doctor(sys.argv[2:]))

if importlib.util.find_spec("tfx") is None and not {"-h", "--help"} & set(sys.argv[1:]):
    sys.stderr.write(
        f"TFX is not installed in this Python ({sys.executable}). Activate the environment of the "
        "project: source .venv/bin/activate\nIf there is none yet: make setup\n"
    )
    sys.exit(2)
# Most verbs import thousands of modules, which stay. By default the garbage collector looks for
# garbage among them every 700 objects, and once more at the end: together five seconds of a run.
gc.set_threshold(50_000)

from pipeline.cli import main  # noqa: E402 (after the threshold, which is for these imports)

exit_code = main()
gc.freeze()
sys.exit(exit_code)
