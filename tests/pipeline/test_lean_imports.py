"""A local run starts without what is for clouds and for notebooks."""

import subprocess
import sys

import pytest

CODE = """
import sys
from pipeline.lean_imports import lean
from pipeline import config
from tests.sample_project import CONFIGS
with lean(config.load(CONFIGS, ["local"]).model_dump_json()):
    import pipeline.dag, pipeline.runners.local
unwanted = ("kubernetes", "google.cloud", "IPython", "ipywidgets", "nltk", "pymongo", "sklearn",
            "matplotlib")
print(sorted({name for name in sys.modules if name.startswith(unwanted)} - {"google.cloud"}))
from apache_beam.utils.interactive_utils import is_in_ipython
from pipeline.lean_imports import without_notebook
with without_notebook():
    print(is_in_ipython(), sys.modules["IPython"])
import IPython, kubernetes.client, matplotlib.pyplot, sklearn.metrics
from tensorflow_model_analysis.view.widget_view import render_slicing_metrics
print(callable(render_slicing_metrics), hasattr(kubernetes.client, "CoreV1Api"))
"""


@pytest.mark.slow
def test_what_is_not_needed_is_not_imported_and_can_be_afterwards():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "False None", "True True"]


WORKER = """
import sys
from pipeline.lean_imports import stay_lean
stay_lean()
import tfx.components.evaluator.executor, tfx.components.statistics_gen.executor
import tensorflow_model_analysis.view.widget_view
unwanted = {"kubernetes.client", "sklearn.base", "matplotlib.pyplot"}
print(sorted(unwanted & set(sys.modules)))
import google.cloud.storage
"""


@pytest.mark.slow
def test_a_worker_of_an_engine_never_imports_them_but_for_the_clouds_clients():
    done = subprocess.run(
        [sys.executable, "-c", WORKER], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["[]"]
