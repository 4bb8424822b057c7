"""Entry of `python -m pipeline`."""

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

from pipeline.cli import main

sys.exit(main())
