"""Each thing a backend would refuse or silently ignore is found, with the step and the cure."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.kubeflow.checks import RULES, find_problems
from pipeline.kubeflow.package import Package

ROOT = Path(__file__).parents[2]
GONE = object()
SPEC = yaml.safe_load("""
pipelineInfo: {name: tiny}
schemaVersion: 2.1.0
sdkVersion: tfx-1.21.0
defaultPipelineRoot: s3://bucket/root
root:
  inputDefinitions:
    parameters:
      data_path: {parameterType: STRING, defaultValue: s3://bucket/data, isOptional: true}
      bounds: {parameterType: STRUCT, defaultValue: {auc: {min: 0.5}}}
  dag:
    tasks:
      ExampleGen:
        taskInfo: {name: ExampleGen}
        componentRef: {name: ExampleGen}
        inputs: {parameters: {input_base: {componentInputParameter: data_path}}}
      Trainer:
        taskInfo: {name: Trainer}
        componentRef: {name: Trainer}
        cachingOptions: {enableCache: true}
        dependentTasks: [ExampleGen]
        inputs:
          artifacts:
            examples:
              taskOutputArtifact: {producerTask: ExampleGen, outputArtifactKey: examples}
          parameters:
            epochs: {runtimeValue: {constant: 10}}
            name: {runtimeValue: {constant: first}}
            bounds: {componentInputParameter: bounds}
components:
  ExampleGen:
    executorLabel: ExampleGen_executor
    inputDefinitions: {parameters: {input_base: {parameterType: STRING}}}
    outputDefinitions:
      artifacts:
        examples:
          artifactType: {instanceSchema: "title: tfx.Examples"}
          metadata: {span: 0}
  Trainer:
    executorLabel: Trainer_executor
    inputDefinitions:
      artifacts: {examples: {artifactType: {instanceSchema: "title: tfx.Examples"}}}
      parameters:
        epochs: {parameterType: NUMBER_INTEGER}
        name: {parameterType: STRING}
        bounds: {parameterType: STRUCT}
    outputDefinitions:
      artifacts: {model: {artifactType: {schemaTitle: tfx.Model}}}
deploymentSpec:
  "@type": type.googleapis.com/ml_pipelines.PipelineDeploymentConfig
  executors:
    ExampleGen_executor:
      container:
        image: registry.example.com/taxi:1
        command: [python, -m, pipeline.kubeflow.entrypoint]
        args: ["--json_serialized_invocation_args", "{{$}}"]
    Trainer_executor:
      container:
        image: registry.example.com/taxi:1
        command: [python, -m, pipeline.kubeflow.entrypoint]
        args: ["--name", "{{$.inputs.parameters['name']}}"]
        env: [{name: TF_CPP_MIN_LOG_LEVEL, value: "2"}]
        resources:
          resourceCpuLimit: 500m
          resourceMemoryRequest: 1Gi
          resourceMemoryLimit: 2Gi
          accelerator: {resourceType: nvidia.com/gpu, resourceCount: "1"}
""")
PLATFORM = yaml.safe_load("""
platforms:
  kubernetes:
    deploymentSpec:
      executors:
        Trainer_executor:
          imagePullPolicy: IfNotPresent
          nodeSelector: {labels: {pool: gpu}}
""")
VERTEX = {
    "spec/defaultPipelineRoot": "gs://bucket/root",
    "spec/deploymentSpec/executors/Trainer_executor/container/resources/accelerator": {
        "type": "NVIDIA_TESLA_T4",
        "count": "1",
    },
    "platform": GONE,
}

TASKS = "spec/root/dag/tasks"
TRAINER = f"{TASKS}/Trainer"
EXECUTORS = "spec/deploymentSpec/executors"
CONTAINER = f"{EXECUTORS}/Trainer_executor/container"
COMPONENT = "spec/components/Trainer"
SETTINGS = "platform/platforms/kubernetes/deploymentSpec/executors"
IMPORTER = {"importer": {"artifactUri": {"constant": "s3://b/m"}, "metadata": {"a": None}}}

# What is changed in the package above, and what the problem that it makes says.
KUBEFLOW_CASES = [
    ({"spec/pipelineSpec": {}}, "is a PipelineJob"),
    ({"spec/pipelineInfo/name": GONE}, "has no pipelineInfo.name"),
    ({"spec/root/dag/task": {}}, "is no pipeline spec"),
    ({TASKS: {}}, "has no tasks"),
    ({"spec/schemaVersion": "2.0.0"}, "has schema version 2.0.0"),
    ({f"{CONTAINER}/enviroment": []}, "Trainer_executor: something in its executor is not known"),
    ({"spec/pipelineInfo/name": "Tiny_1"}, "'Tiny_1' cannot name a Kubernetes object"),
    ({f"{TASKS}/a_b": {}}, "a_b: Argo takes letters, digits and '-' only"),
    ({f"{TASKS}/a.b": {}}, "a.b: Argo takes letters"),
    ({f"{TASKS}/1st": {}}, "1st: Argo takes letters"),
    ({f"{TASKS}/{'a' * 125}": {}}, "at most 121 characters"),
    ({f"{TASKS}/x_resolver": {}}, "TFX names the parts of a Resolver so"),
    ({f"{TASKS}/Trainer-driver": {}}, "Trainer-driver: Kubeflow Pipelines needs this name"),
    ({f"{TRAINER}/taskInfo": {}}, "Trainer: taskInfo.name is empty"),
    ({f"{TRAINER}/componentRef/name": "Trainr"}, "Trainer: there is no component 'Trainr'"),
    ({f"{COMPONENT}/executorLabel": "gone"}, "Trainer: there is no executor 'gone'"),
    ({f"{COMPONENT}/executorLabel": GONE}, "has neither executorLabel nor dag"),
    ({f"{EXECUTORS}/Trainer_executor": {"resolver": {}}}, "Trainer: is a resolver"),
    ({f"{EXECUTORS}/Trainer_executor": {"customJob": {}}}, "Trainer: is a custom job"),
    ({f"{TRAINER}/artifactIterator": {"itemInput": "x"}}, "Trainer: loops over artifacts"),
    (
        {f"{TRAINER}/inputs/artifacts/examples/taskOutputArtifact/producerTask": "Gen"},
        "Trainer: its input 'examples' comes from 'Gen'",
    ),
    (
        {f"{TRAINER}/inputs/artifacts/examples/taskOutputArtifact/outputArtifactKey": "rows"},
        "is the output 'rows' of ExampleGen, which has examples",
    ),
    (
        {
            f"{TRAINER}/inputs/parameters/epochs": {
                "taskOutputParameter": {
                    "producerTask": "ExampleGen_task",
                    "outputParameterKey": "value",
                }
            }
        },
        "Trainer: its parameter 'epochs' is the value of another step's output",
    ),
    (
        {f"{TRAINER}/inputs/parameters/name": {"componentInputParameter": "nme"}},
        "is the input 'nme' of the pipeline, which does not declare it",
    ),
    (
        {f"{TRAINER}/inputs/artifacts/examples": {"componentInputArtifact": "rows"}},
        "is the input 'rows' of the pipeline, which does not declare it",
    ),
    ({f"{TRAINER}/dependentTasks": ["Exmple"]}, "Trainer: it waits for 'Exmple'"),
    ({f"{TASKS}/ExampleGen/dependentTasks": ["Trainer"]}, "ExampleGen, Trainer: these steps wait"),
    (
        {
            f"{TRAINER}/triggerPolicy/condition": "inputs.parameters['name'] == 'a'",
            f"{EXECUTORS}/Trainer_executor": IMPORTER,
        },
        "Trainer: an importer cannot have a condition",
    ),
    (
        {f"{TRAINER}/triggerPolicy/condition": "inputs.artifacts['model'].artifacts[0].uri != ''"},
        "Trainer: its condition asks for artifacts 'model'",
    ),
    (
        {"spec/root/inputDefinitions/parameters/bounds/defaultValue": GONE},
        "parameter 'bounds' has neither a default nor a value",
    ),
    (
        {"spec/root/inputDefinitions/parameters/bounds/parameterType": GONE},
        "parameter 'bounds' has no parameterType",
    ),
    (
        {"spec/root/inputDefinitions/parameters/bounds/defaultValue": "auc"},
        "'bounds' is a STRUCT, and its default is a string",
    ),
    (
        {f"{COMPONENT}/inputDefinitions/parameters/epochs": {"type": "INT"}},
        "Trainer: its parameters epochs have no parameterType",
    ),
    (
        {f"{TRAINER}/inputs/parameters/epochs": {"runtimeValue": {"runtimeParameter": "e"}}},
        "Trainer: its parameter 'epochs' is a runtimeValue.runtimeParameter",
    ),
    (
        {
            f"{TRAINER}/inputs/parameters/epochs": {
                "runtimeValue": {"constantValue": {"intValue": "3"}}
            }
        },
        "Trainer: its parameter 'epochs' has its constant in the form of schema 2.0",
    ),
    (
        {f"{TRAINER}/inputs/parameters/epochs/runtimeValue/constant": "ten"},
        "'epochs' is a NUMBER_INTEGER, and its constant is a string",
    ),
    (
        {f"{TRAINER}/inputs/parameters/name/runtimeValue/constant": None},
        "'name' is a STRING, and its constant is a null",
    ),
    (
        {f"{TRAINER}/inputs/parameters/epochs": GONE},
        "Trainer: its parameter 'epochs' gets no value",
    ),
    (
        {
            f"{TRAINER}/inputs/parameters/epochs": GONE,
            f"{COMPONENT}/inputDefinitions/parameters/epochs/defaultValue": 5,
        },
        "'epochs' is left to a default that the backend does not apply",
    ),
    (
        {f"{CONTAINER}/args": ["{{$.inputs.parameters['nme']}}"]},
        "Trainer: its command asks for the parameter 'nme'",
    ),
    ({f"{CONTAINER}/args": ["{{$.json_escape[1]}}"]}, "has the placeholder {{$.json_escape[1]}}"),
    (
        {"spec/components/ExampleGen/outputDefinitions/artifacts/examples/metadata/span": None},
        "ExampleGen: the metadata of examples has null for span",
    ),
    (
        {f"{EXECUTORS}/Trainer_executor": IMPORTER},
        "Trainer: the metadata of the imported artifact has null for a",
    ),
    (
        {f"{COMPONENT}/outputDefinitions/artifacts/model/artifactType": {}},
        "Trainer: the type of its output 'model' has no title",
    ),
    ({f"{CONTAINER}/image": GONE}, "Trainer: its container has no image"),
    ({f"{CONTAINER}/image": "localhost:5000/taxi"}, "has no tag that stays"),
    ({f"{CONTAINER}/command": GONE}, "Trainer: its container has no command"),
    (
        {
            f"{CONTAINER}/command": [
                "python",
                "-m",
                "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
            ]
        },
        "Trainer: it starts TFX's own entrypoint",
    ),
    (
        {f"{CONTAINER}/lifecycle/preCacheCheck/command": ["python"]},
        "Trainer: lifecycle.preCacheCheck never runs",
    ),
    (
        {f"{CONTAINER}/args": ["tfx.components.infra_validator.executor.Executor"]},
        "Trainer: TFX's InfraValidator needs Docker",
    ),
    (
        {f"{TASKS}/ExampleGen/cachingOptions/enableCache": True},
        "ExampleGen: caching is on, and the cache does not see the data in its folder",
    ),
    (
        {f"{CONTAINER}/args": ["components.baseline.executor.Executor"]},
        "the cache does not see the model that is being served",
    ),
    ({"spec/defaultPipelineRoot": "abfs://bucket/root"}, "'abfs://bucket/root' is no address"),
    ({"spec/defaultPipelineRoot": "/mnt/root"}, "'/mnt/root' is no address"),
    (
        {
            f"{TRAINER}/inputs/parameters/module_path": {
                "runtimeValue": {"constant": "run@/root/_wheels/code-0-py3-none-any.whl"}
            }
        },
        "Trainer: its user code is a wheel",
    ),
    (
        {f"{TRAINER}/inputs/parameters/name/runtimeValue/constant": "x" * 131_000},
        "Trainer: its parameters and artifacts would be an argument of 131,",
    ),
    (
        {f"{CONTAINER}/env": [{"name": "SCHEMA", "value": "x" * 131_072}]},
        "Trainer: the variable SCHEMA would be an argument of 131,079 bytes",
    ),
    (
        {
            f"{COMPONENT}/inputDefinitions/parameters/p{n}": {
                "parameterType": "STRING",
                "description": "x" * 60_000,
                "isOptional": True,
            }
            for n in range(20)
        },
        "becomes a workflow of about 1.",
    ),
    ({f"{CONTAINER}/resources/resourceCpuLimit": "2 cores"}, "'2 cores' is no quantity"),
    (
        {f"{CONTAINER}/resources/resourceMemoryRequest": "4Gi"},
        "Trainer: it requests 4Gi of memory, more than its limit 2Gi",
    ),
    (
        {f"{CONTAINER}/resources/accelerator": {"type": "NVIDIA_TESLA_T4", "count": "1"}},
        "'NVIDIA_TESLA_T4' is no resource of Kubernetes",
    ),
    (
        {f"{CONTAINER}/resources/accelerator": {"resourceType": "nvidia.com/gpu"}},
        "Trainer: its accelerator lacks a count",
    ),
    ({"platform/platforms/kubernetes/deploySpec": {}}, "The platform document does not hold"),
    ({"platform/platforms": {"other": {}}}, "has no platforms.kubernetes"),
    ({f"{SETTINGS}/Trainr": {}}, "Trainr: the platform document has settings for it"),
    ({f"{SETTINGS}/Trainer_executor/nodeSelektor": {}}, "settings in the platform document do not"),
    ({f"{SETTINGS}/Trainer_executor/imagePullPolicy": "Sometimes"}, "'Sometimes' is not one of"),
]
VERTEX_CASES = [
    ({"spec/pipelineInfo/name": "1st"}, "'1st' cannot begin a job id on Vertex"),
    ({"spec/pipelineInfo/name": "a" * 120}, "at most 113 characters"),
    ({f"{TRAINER}/componentRef/name": "Trainr"}, "there is no component 'Trainr'"),
    ({"spec/defaultPipelineRoot": "s3://bucket/root"}, "is not in Cloud Storage"),
    ({"spec/defaultPipelineRoot": GONE}, "The pipeline root '' is not in Cloud Storage"),
    ({f"{CONTAINER}/resources/accelerator/type": "nvidia.com/gpu"}, "Vertex does not know"),
    ({f"{TASKS}/ExampleGen/cachingOptions/enableCache": True}, "ExampleGen: caching is on"),
    ({"platform": PLATFORM}, "The package has a platform document"),
]


def package(*changes: dict) -> Package:
    """The package above, with some places changed."""
    tree = copy.deepcopy({"spec": SPEC, "platform": PLATFORM})
    for change in changes:
        for path, value in change.items():
            *parents, last = path.split("/")
            branch = tree
            for key in parents:
                branch = branch.setdefault(key, {})
            if value is GONE:
                branch.pop(last)
            else:
                branch[last] = copy.deepcopy(value)
    return Package(tree["spec"], tree.get("platform"))


def test_nothing_is_wrong_with_what_works():
    assert find_problems(package(), "kubeflow") == []
    assert find_problems(package(VERTEX), "vertex") == []


@pytest.mark.parametrize(("change", "told"), KUBEFLOW_CASES, ids=[t for _, t in KUBEFLOW_CASES])
def test_what_open_source_kubeflow_would_refuse_or_ignore(change, told):
    problems = find_problems(package(change), "kubeflow")
    assert any(told in problem for problem in problems), problems


@pytest.mark.parametrize(("change", "told"), VERTEX_CASES, ids=[t for _, t in VERTEX_CASES])
def test_what_vertex_would_refuse(change, told):
    problems = find_problems(package(VERTEX, change), "vertex")
    assert any(told in problem for problem in problems), problems


def test_each_problem_is_a_sentence_that_says_what_to_do():
    for change, _ in KUBEFLOW_CASES:
        for problem in find_problems(package(change), "kubeflow"):
            assert problem.endswith(".")
            assert ": " in problem


def test_no_rule_without_a_case():
    for target, cases in (
        ("kubeflow", KUBEFLOW_CASES),
        ("vertex", [*KUBEFLOW_CASES, *VERTEX_CASES]),
    ):
        for rule in RULES[target]:
            assert any(_fires(rule, target, change) for change, _ in cases), rule


def _fires(rule, target, change):
    from pipeline.kubeflow.checks import documents, view

    changed = package(VERTEX, change) if target == "vertex" else package(change)
    if documents.unreadable(changed.spec):
        return False
    return bool(list(rule(view.read(changed.spec, changed.platform, target, ()))))


def test_a_value_that_will_be_given_is_not_missing():
    change = {"spec/root/inputDefinitions/parameters/bounds/defaultValue": GONE}
    assert find_problems(package(change), "kubeflow", given=["bounds"]) == []


def test_the_fingerprint_of_vertex_makes_example_gen_cacheable():
    hook = f"{EXECUTORS}/ExampleGen_executor/container/lifecycle/preCacheCheck/command"
    change = {f"{TASKS}/ExampleGen/cachingOptions/enableCache": True, hook: ["python"]}
    assert find_problems(package(VERTEX, change), "vertex") == []


def test_steps_inside_a_group_are_looked_at_too():
    spec = package().spec
    inner = spec["root"]["dag"]["tasks"].pop("Trainer")
    inner["inputs"] = {"parameters": {"name": {"componentInputParameter": "nme"}}}
    inner["dependentTasks"] = []
    spec["components"]["group_1"] = {"dag": {"tasks": {"Trainer": inner}}}
    spec["root"]["dag"]["tasks"]["Group"] = {
        "taskInfo": {"name": "Group"},
        "componentRef": {"name": "group_1"},
    }
    problems = "\n".join(find_problems(Package(spec, PLATFORM), "kubeflow"))
    assert "group_1: this group of steps becomes an Argo template" in problems
    assert "is the input 'nme' of group_1" in problems
    assert "Trainer: its parameter 'epochs' gets no value" in problems


def test_a_check_needs_no_tfx():
    code = (
        "import sys; import pipeline.kubeflow.checks; "
        "print(sorted({'tfx', 'tensorflow', 'apache_beam'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
