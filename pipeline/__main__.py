"""Entry of `python -m pipeline`."""

import sys

if sys.argv[1:2] == ["doctor"]:  # must work with any Python, before anything is installed
    from pipeline.environment.doctor import main as doctor

    sys.exit(doctor(sys.argv[2:]))

from pipeline.cli import main

sys.exit(main())
