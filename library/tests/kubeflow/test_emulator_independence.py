"""The emulator judges what the pipeline compiles, so it knows nothing of the pipeline."""

import subprocess
import sys

from tests.sample_project import LIBRARY

LIST = """
import sys
import tests.kubeflow.emulator.api.server, tests.kubeflow.emulator.step_process
print(sorted({name.split(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""


def test_the_emulator_imports_nothing_of_the_pipeline():
    rooms = ["pipeline", "components", "models", "tfxkit", "tfx", "tensorflow"]
    found = subprocess.run(
        [sys.executable, "-c", LIST, *rooms],
        cwd=LIBRARY,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "[]\n"
