"""Entry of `python -m pipeline`."""

import gc
import sys

if sys.argv[1:2] == ["doctor"]:  # must work with any Python, before anything is installed
    from pipeline.environment.doctor import main as doctor

    sys.exit(doctor(sys.argv[2:]))

# Most verbs import thousands of modules, which stay. By default the garbage collector looks for
# garbage among them every 700 objects, and once more at the end: together five seconds of a run.
gc.set_threshold(50_000)

from pipeline.cli import main

exit_code = main()
gc.freeze()
sys.exit(exit_code)
