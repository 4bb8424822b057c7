"""Steps of the project's own: a function, an executor, a program in a container."""

from __future__ import annotations

import json

import pytest

from tfxkit.runs.summary import State

pytestmark = pytest.mark.slow
OWN = ("CountLabels", "ModelSize", "PushLog")
# Prints which steps have another cache key after an edit of each file, and which are never cached.
CACHE_KEYS = """
import json
from pathlib import Path
from tfxkit.config import loading as config
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.places import Places
from tfxkit.runs import runner

loaded = config.load(Path("configs"), ["fast"])
places = Places("data", "configs/schema.pbtxt", "serving", "checkpoints")

def nodes():
    ir = runner.compile_pipeline(loaded, places, Outputs(Path("outputs").resolve()))
    return {node.pipeline_node.node_info.id: node.pipeline_node for node in ir.nodes}

def keys():
    return {step: n.parameters.SerializeToString(deterministic=True) for step, n in nodes().items()}

found, before = {}, keys()
for name in ("count_labels", "label_names", "model_size", "push_log"):
    file = Path(f"components/{name}.py")
    source = file.read_bytes()
    file.write_bytes(source + b"# edited\\n")
    after = keys()
    file.write_bytes(source)
    found[name] = sorted(step for step in before if after[step] != before[step])
options = {step: n.execution_options.caching_options for step, n in nodes().items()}
found["never cached"] = sorted(step for step, one in options.items() if not one.enable_cache)
print(json.dumps(found))
"""


def written(foreign, step, key, name):
    [folder] = (foreign.outputs.artifacts / step / key).iterdir()
    return (folder / name).read_text()


def test_they_run_in_their_place(foreign):
    steps = {step.name: step.state for step in foreign.latest().steps}
    assert {steps[name] for name in OWN} == {State.RUN}
    order = list(steps)
    assert order.index("DataGate") < order.index("CountLabels") < order.index("PushLog")
    assert order.index("ModelSize") < order.index("Pusher") < order.index("PushLog")


def test_a_function_writes_an_artifact_and_hands_on_a_value(foreign):
    classes = json.loads(written(foreign, "CountLabels", "classes", "value"))
    assert classes.keys() == {"tipped", "not tipped"}
    assert classes["tipped"]["weight"] > 1 > classes["not tipped"]["weight"]
    rows = sum(one["rows"] for one in classes.values())
    version = foreign.latest().pushed_path.rpartition("/")[2]
    announced = (foreign.root / "pushed.txt").read_text()
    assert f"New model: version {version}, trained on {rows} rows\n" in announced


def test_an_executor_writes_an_artifact_of_the_projects_own_type(foreign):
    lines = written(foreign, "ModelSize", "report", "files.txt").splitlines()
    assert any(line.endswith("/saved_model.pb") for line in lines)


def test_report_and_lineage_show_them(foreign, lineage):
    page = foreign.report()
    for name in OWN:
        assert f'<tr id="step-{name}">' in page
    for edge in (
        "ExampleGen → CountLabels: examples",
        "CountLabels → PushLog: rows",
        "ModelSize → Pusher: in this order",
        "DataGate → Transform: in this order",
    ):
        assert f"<title>{edge}</title>" in page
    assert foreign.latest().config["steps"]["push_log"]["greeting"] == "New model"
    assert "pushed by Pusher" in lineage


def test_the_cache_sees_their_code_and_what_it_imports(foreign):
    done = foreign.python("-c", CACHE_KEYS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "count_labels": ["CountLabels"],
        "label_names": ["CountLabels"],
        "model_size": ["ModelSize"],
        "push_log": ["PushLog"],
        "never cached": ["PushLog", "Pusher"],
    }


REFUSED = {
    "steps.scan.enabled=true": "Scan: a step in a container of its own does not run on this",
    "steps.push_log.flie=x": "steps.push_log.flie: unknown key; did you mean file?",
    "steps.model_size.max_megabytes=0": "steps.model_size.max_megabytes: Input should be",
    "steps.push_log.token=x": "token looks like a credential",
    "dataset.evaluation.metrics.p.class_name=PrecisionAtRecal": "mean 'PrecisionAtRecall'",
}


def test_what_cannot_be_is_refused_before_anything_runs(foreign):
    runs = list(foreign.outputs.runs.iterdir())
    commands = [("run", "--set", setting, *foreign.selection) for setting in REFUSED]
    answers = dict(zip(REFUSED, foreign.subcommands(*commands), strict=True))
    wrong = {
        setting: (code, error)
        for setting, (code, error) in answers.items()
        if code != 2 or REFUSED[setting] not in error or "Traceback" in error
    }
    assert not wrong
    assert list(foreign.outputs.runs.iterdir()) == runs


def test_each_backend_gets_them_compiled(foreign):
    import yaml

    def command(target: str) -> tuple[str, ...]:
        options = ("--target", target, "-o", str(foreign.root / f"{target}.yaml"))
        return ("compile", *options, "--set", "steps.scan.enabled=true")

    addresses = {"kubeflow": "path", "vertex": "uri"}
    ended = foreign.subcommands(*map(command, addresses))
    for (target, address), (code, error) in zip(addresses.items(), ended, strict=True):
        assert code == 0, error
        spec = next(yaml.safe_load_all((foreign.root / f"{target}.yaml").read_text()))
        tasks, executors = spec["root"]["dag"]["tasks"], spec["deploymentSpec"]["executors"]
        assert {*OWN, "Scan"} <= tasks.keys()
        assert tasks["PushLog"]["cachingOptions"] == {}
        assert "code_hash" in tasks["CountLabels"]["inputs"]["parameters"]
        arguments = executors["CountLabels_executor"]["container"]["args"]
        assert "components.count_labels.CountLabels_Executor" in arguments
        scan = executors["Scan_executor"]["container"]
        assert scan["image"] == "busybox:1.36"
        # Kubeflow's launcher has the files; on Vertex AI a program opens gs:// itself.
        assert f"{{{{$.inputs.artifacts['pushed_model'].{address}}}}}" in scan["command"]
