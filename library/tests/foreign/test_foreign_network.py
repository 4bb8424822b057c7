"""A network of the owner's, wide & deep, with a loss, an optimizer and class weights of its own."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from tfxkit.storage import served_model

pytestmark = pytest.mark.slow

TRAIN_AGAIN = """
import json, sys
import numpy as np, tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs
from models import training

served, graph, schema, rows, folder = sys.argv[1:]
config = json.loads(open(f"{served}/assets.extra/config.json").read())
config["train"] |= {"warm_start": True, "seed": 7, "epochs": 1}
training.run_fn(FnArgs(
    train_files=[rows], schema_path=schema, transform_graph_path=graph, base_model=served,
    serving_model_dir=f"{folder}/model", model_run_dir=f"{folder}/logs",
    custom_config=config | {"checkpoint_dir": f"{folder}/checkpoints"},
))
records = tf.data.TFRecordDataset(tf.io.gfile.glob(rows), "GZIP").take(50)
examples = list(records.as_numpy_iterator())
model = tf.saved_model.load(f"{folder}/model")
[exported] = model.signatures["serving_default"](examples=tf.constant(examples)).values()
rebuilt = training.rebuild(f"{folder}/model", graph)(examples)
print(json.dumps([exported.numpy().tolist(), rebuilt.tolist()]))
"""


@pytest.fixture(scope="module")
def served(foreign) -> str:
    return served_model.newest_version(str(foreign.outputs.serving))


def variables_of(model_dir: str) -> dict[str, bool]:
    """Names of the weights, and whether a training on the same data may start from them.

    It may not where codes have no meaning beyond their run: those of a plain `tft` vocabulary.
    """
    names: dict[str, bool] = {}

    def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset):
            feature = item.attrs.get("feature")
            names[name] = feature is None or feature in vocabularies

    with h5py.File(f"{model_dir}/{served_model.WEIGHTS}") as file:
        vocabularies = set(file["vocabularies"])
        file["variables"].visititems(visit)
    return names


def test_it_is_trained_blessed_and_pushed(foreign, served):
    run = foreign.latest()
    assert run.pushed_path
    assert run.serving_check["blessed"]
    with h5py.File(f"{served}/{served_model.WEIGHTS}") as file:
        wide_and_deep = file["variables/wide_and_deep/kernel"]
        deep = file["variables/deep_2/kernel"].shape[1]
        assert wide_and_deep.shape[0] > deep  # the wide part comes on top


def test_the_report_shows_its_training(foreign, served):
    training = served_model.read_json(served, served_model.TRAINING)
    with h5py.File(f"{served}/{served_model.WEIGHTS}") as file:
        sizes = []
        file["variables"].visititems(lambda _, item: sizes.append(getattr(item, "size", 0)))
    assert training["parameters"] == sum(sizes)
    assert f"{training['parameters']:,} weights" in foreign.report()


def test_the_next_training_starts_from_its_weights(foreign, served, tmp_path):
    artifacts = foreign.outputs.artifacts
    [graph] = artifacts.glob("Transform/transform_graph/*")
    [examples] = artifacts.glob("ExampleGen/examples/*")
    schema = foreign.root / "configs" / "schema.pbtxt"
    rows = f"{examples}/Split-train/*.gz"
    done = foreign.python(
        "-c", "import logging; logging.basicConfig(level=logging.INFO)\n" + TRAIN_AGAIN,
        served, str(graph), str(schema), rows, str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    variables = variables_of(served)
    random = [name for name, moved in variables.items() if not moved]
    taken = f"{len(variables) - len(random)} of {len(variables)}"
    assert f"Started from the weights of the model being served: {taken}" in done.stderr
    assert all(name in done.stderr for name in random)
    first, best = (
        json.loads(text)["history"]["val_loss"]
        for text in (
            (tmp_path / "model" / served_model.TRAINING).read_text(),
            (foreign.root / served / served_model.TRAINING).read_text(),
        )
    )
    assert first[0] < best[0]
    exported, rebuilt = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(exported, rebuilt, atol=1e-5)
