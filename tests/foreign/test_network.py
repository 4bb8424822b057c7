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
examples = list(tf.data.TFRecordDataset(tf.io.gfile.glob(rows), "GZIP").take(50).as_numpy_iterator())
model = tf.saved_model.load(f"{folder}/model")
[exported] = model.signatures["serving_default"](examples=tf.constant(examples)).values()
rebuilt = training.rebuild(f"{folder}/model", graph)(examples)
print(json.dumps([exported.numpy().tolist(), rebuilt.tolist()]))
"""


@pytest.fixture(scope="module")
def served(foreign) -> str:
    return served_model.newest_version(str(foreign.outputs.serving))


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
    with h5py.File(f"{served}/{served_model.WEIGHTS}") as file:
        variables = []
        file["variables"].visititems(
            lambda name, item: variables.append(name) if isinstance(item, h5py.Dataset) else None
        )
    assert f"Started from the weights of the model being served: {len(variables)} of" in done.stderr
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


def test_a_network_of_the_wrong_shape_fails_the_training_with_a_sentence(foreign, tmp_path):
    """Before the rows are read: there are none."""
