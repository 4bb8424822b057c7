"""The code hash changes with every source that a step runs, and with no other."""

import subprocess
import sys
from pathlib import Path

import pytest
from tensorflow_model_analysis.proto import config_pb2
from tfx.types import channel, standard_artifacts

from tests.sample_project import LIBRARY, ROOT
from tfxkit.components.evaluator import Evaluator
from tfxkit.config.dataset import Evaluation

SOURCES = {
    "models/__init__.py": "",
    "models/training.py": "from . import layers\nfrom models.deep import heads\n",
    "models/layers.py": "def dense():\n    import models.late\n",
    "models/late.py": "",
    "models/deep/__init__.py": "from .inits import start\n",
    "models/deep/inits.py": "start = 1\n",
    "models/deep/heads.py": "from ..constants import SEED\nimport json\n",
    "models/constants.py": "SEED = 1\n",
    "models/unrelated.py": "from models.constants import SEED\n",
    "components/__init__.py": "",
    "components/gate/__init__.py": "raise RuntimeError('was imported')\n",
    "components/gate/executor.py": "from models import layers\n",
    "components/gate/_rules.py": "",
    "components/gate/sub/probe.py": "",
    "experiments/taxi/features.py": "from experiments.taxi import words\nimport models.constants\n",
    "experiments/taxi/words.py": "",
    "experiments/other.py": "",
}
TRAINING_RUNS = {
    "models/__init__.py",
    "models/training.py",
    "models/layers.py",
    "models/late.py",
    "models/deep/__init__.py",
    "models/deep/inits.py",
    "models/deep/heads.py",
    "models/constants.py",
}
GATE_RUNS = {
    *(path for path in SOURCES if path.startswith("components/")),
    "models/__init__.py",
    "models/layers.py",
    "models/late.py",
}
EXPERIMENT_RUNS = {
    "experiments/taxi/features.py",
    "experiments/taxi/words.py",
    "models/__init__.py",
    "models/constants.py",
}
PROGRAM = """
import sys
from pathlib import Path
import step_cache
sys.path.insert(0, sys.argv[1])
root, modules, before = Path(sys.argv[1]), sys.argv[2:], len(sys.modules)
reference = step_cache.code_hash(*modules)
assert step_cache.code_hash(*modules) == reference
for path in sorted(root.rglob("*.py")):
    text = path.read_text()
    path.write_text(text + "# changed")
    if step_cache.code_hash(*modules) != reference:
        print(path.relative_to(root).as_posix())
    path.write_text(text)
assert len(sys.modules) == before, "a module was imported"
"""


@pytest.mark.parametrize(
    ("module", "runs"),
    [
        ("models.training", TRAINING_RUNS),
        ("components.gate", GATE_RUNS),
        ("experiments.taxi.features", EXPERIMENT_RUNS),  # neither folder has an __init__.py
    ],
)
def test_exactly_what_a_step_runs_changes_its_hash(
    tmp_path: Path, module: str, runs: set[str]
) -> None:
    for name, source in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)

    # In a process of its own: these packages are named like the real ones.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), module],
        cwd=LIBRARY / "src" / "tfxkit" / "storage",
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) == runs


def test_hashing_the_real_components_imports_no_tensorflow() -> None:
    program = (
        "import sys; from tfxkit.storage.step_cache import code_hash; "
        "print(code_hash('components', 'models', 'tfxkit'), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[1:] == ["False"], done.stderr


def test_an_unknown_module_is_an_error() -> None:
    from tfxkit.storage.step_cache import code_hash

    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        code_hash("models.no_such_module")


def evaluator_hash(metric: dict[str, str]) -> str:
    evaluator = Evaluator(
        examples=channel.Channel(standard_artifacts.Examples),
        model=channel.Channel(standard_artifacts.Model),
        schema=channel.Channel(standard_artifacts.Schema),
        eval_config=config_pb2.EvalConfig(),
        evaluation=Evaluation.model_validate({"metrics": {"m": metric}}),
    )
    return evaluator.exec_properties["code_hash"]


@pytest.mark.parametrize(
    "metric",
    [
        {"class_name": "MyMetric", "module": "my_metrics.classes"},
        {"function": "my_metrics.classes.cost"},
    ],
    ids=["class", "function"],
)
def test_the_evaluator_runs_again_when_a_metric_of_the_project_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: dict[str, str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "my_metrics"
    package.mkdir()
    (package / "classes.py").write_text("from my_metrics import weights\n")
    (package / "weights.py").write_text("MISS = 1\n")
    before = evaluator_hash(metric)
    assert evaluator_hash(metric) == before
    (package / "weights.py").write_text("MISS = 2\n")
    assert evaluator_hash(metric) != before


def test_a_metric_of_a_library_leaves_the_hash_of_the_evaluator_alone() -> None:
    of_keras = {"class_name": "Huber", "module": "tf_keras.src.losses"}
    assert evaluator_hash(of_keras) == evaluator_hash({"class_name": "AUC"})
