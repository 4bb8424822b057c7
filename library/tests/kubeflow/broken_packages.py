"""Broken packages: changes of the whole one, each with the expected message."""

from __future__ import annotations

from tests.kubeflow.whole_package import GONE, PLATFORM, SPEC

TASKS = "spec/root/dag/tasks"
TRAINER = f"{TASKS}/Trainer"
EXECUTORS = "spec/deploymentSpec/executors"
CONTAINER = f"{EXECUTORS}/Trainer_executor/container"
COMPONENT = "spec/components/Trainer"
SETTINGS = "platform/platforms/kubernetes/deploymentSpec/executors"
STEP = SPEC["root"]["dag"]["tasks"]["ExampleGen"]
MODEL = {"schemaTitle": "tfx.Model"}
IMPORTER = {"importer": {"artifactUri": {"constant": "s3://b/m"}, "typeSchema": MODEL}}
NULL_IMPORTER = {"importer": {**IMPORTER["importer"], "metadata": {"a": None}}}
OPTIONAL = {"parameterType": "STRING", "isOptional": True}

# What is changed in the package above, and what the problem that it makes says.
# Refused when a run is created.
REFUSED = [
    ({"spec/pipelineSpec": {}}, "is a PipelineJob"),
    ({"spec/pipelineInfo/name": GONE}, "has no pipelineInfo.name"),
    ({"spec/root/dag/task": {}}, "is no pipeline spec"),
    ({TASKS: {}}, "has no tasks"),
    ({"spec/schemaVersion": "2.0.0"}, "has schema version 2.0.0"),
    ({"spec/pipelineInfo/name": "Tiny_1"}, "'Tiny_1' cannot name a Kubernetes object"),
    ({f"{TASKS}/a_b": STEP}, "a_b: Argo takes letters, digits and '-' only"),
    ({f"{TASKS}/a.b": STEP}, "a.b: Argo takes letters"),
    ({f"{TASKS}/1st": STEP}, "1st: Argo takes letters"),
    ({f"{TASKS}/{'a' * 125}": STEP}, "at most 121 characters"),
    ({f"{TASKS}/x_resolver": STEP}, "TFX names the parts of a Resolver so"),
    ({f"{TRAINER}/componentRef/name": "Trainr"}, "Trainer: there is no component 'Trainr'"),
    ({f"{COMPONENT}/executorLabel": "gone"}, "Trainer: there is no executor 'gone'"),
    ({f"{COMPONENT}/executorLabel": GONE}, "has neither executorLabel nor dag"),
    ({f"{EXECUTORS}/Trainer_executor": {"resolver": {}}}, "Trainer: is a resolver"),
    ({f"{EXECUTORS}/Trainer_executor": {"customJob": {}}}, "Trainer: is a custom job"),
    (
        {f"{TRAINER}/inputs/artifacts/examples/taskOutputArtifact/producerTask": "Gen"},
        "Trainer: its input 'examples' comes from 'Gen'",
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
        {"spec/root/inputDefinitions/parameters/bounds/defaultValue": GONE},
        "parameter 'bounds' has neither a default nor a value",
    ),
    ({f"{SETTINGS}/Trainer_executor/nodeSelektor": {}}, "settings in the platform document do not"),
]
# Accepted, and then the run fails at this step, or at its very beginning.
FAILING = [
    ({f"{TRAINER}/taskInfo": {}}, "Trainer: taskInfo.name is empty"),
    (
        {f"{TRAINER}/inputs/artifacts/examples/taskOutputArtifact/outputArtifactKey": "rows"},
        "is the output 'rows' of ExampleGen, which has examples",
    ),
    (
        {f"{TRAINER}/inputs/parameters/name": {"componentInputParameter": "nme"}},
        "is the input 'nme' of the pipeline, which does not declare it",
    ),
    (
        {f"{TRAINER}/inputs/artifacts/examples": {"componentInputArtifact": "rows"}},
        "is the input 'rows' of the pipeline, which does not declare it",
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
        "Trainer: its parameters epochs have constants in the form of schema 2.0",
    ),
    (
        {f"{TRAINER}/inputs/parameters/epochs/runtimeValue/constant": "ten"},
        "'epochs' is a NUMBER_INTEGER, and its constant is a string",
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
        "Trainer: its command uses the parameter 'nme'",
    ),
    (
        {"spec/components/ExampleGen/outputDefinitions/artifacts/examples/metadata/span": None},
        "ExampleGen: the metadata of examples has null for span",
    ),
    (
        {f"{EXECUTORS}/Trainer_executor": NULL_IMPORTER},
        "Trainer: the metadata of the imported artifact has null for a",
    ),
    (
        {f"{COMPONENT}/outputDefinitions/artifacts/model/artifactType": {}},
        "Trainer: the type of its output 'model' has no title",
    ),
    ({"spec/defaultPipelineRoot": "abfs://bucket/root"}, "'abfs://bucket/root' is no address"),
    ({"spec/defaultPipelineRoot": "/mnt/root"}, "'/mnt/root' is no address"),
    ({f"{CONTAINER}/resources/resourceCpuLimit": "2 cores"}, "'2 cores' is no quantity"),
    (
        {
            "spec/root/inputDefinitions/parameters/note": OPTIONAL,
            f"{TRAINER}/inputs/parameters/name": {"componentInputParameter": "note"},
        },
        "Trainer: its parameter 'name' is the pipeline's 'note', which has no default",
    ),
    (
        {f"{EXECUTORS}/Trainer_executor": {"importer": {"artifactUri": {"constant": "s3://b"}}}},
        "Trainer: the type of its output 'typeSchema' has no title",
    ),
    (
        {f"{CONTAINER}/resources/resourceMemoryRequest": "4Gi"},
        "Trainer: it requests 4Gi of memory, more than its limit 2Gi",
    ),
    ({f"{SETTINGS}/Trainer_executor/imagePullPolicy": "Sometimes"}, "'Sometimes' is not one of"),
]
# Accepted; then something is ignored, or fails in a container, on a node, or beyond this emulator.
SILENT = [
    ({f"{CONTAINER}/enviroment": []}, "Trainer_executor: something in its executor is not known"),
    (
        {"spec/root/inputDefinitions/parameters/bounds/parameterType": GONE},
        "parameter 'bounds' has no parameterType",
    ),
    (
        {f"{TRAINER}/inputs/parameters/name/runtimeValue/constant": None},
        "'name' is a STRING, and its constant is a null",
    ),
    ({f"{CONTAINER}/args": ["{{$.json_escape[1]}}"]}, "has the placeholder {{$.json_escape[1]}}"),
    (
        {f"{TRAINER}/inputs/parameters/name/runtimeValue/constant": "costs $$5"},
        "Trainer: its name has $$ in it, which Kubernetes would replace",
    ),
    (
        {f"{CONTAINER}/args": ["$(TF_CPP_MIN_LOG_LEVEL) and $(UNKNOWN)"]},
        "Trainer: its command has $(TF_CPP_MIN_LOG_LEVEL) in it",
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
        {
            f"{CONTAINER}/args": [
                "--executor_class_path",
                "tfxkit.components.baseline.component.BaselineExecutor",
            ]
        },
        "the cache does not see the model that is being served",
    ),
    (
        {
            f"{TRAINER}/inputs/parameters/module_path": {
                "runtimeValue": {"constant": "run@gs://bucket/_wheels/code-0-py3-none-any.whl"}
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
]
NOT_EMULATED = [
    ({f"{TASKS}/Trainer-driver": STEP}, "Trainer-driver: Kubeflow Pipelines needs this name"),
    ({f"{TRAINER}/artifactIterator": {"itemInput": "x"}}, "Trainer: loops over artifacts"),
    (
        {f"{TRAINER}/triggerPolicy/condition": "inputs.artifacts['model'].artifacts[0].uri != ''"},
        "Trainer: its condition uses artifacts 'model'",
    ),
]
KUBEFLOW_CASES = [*REFUSED, *FAILING, *SILENT, *NOT_EMULATED]
VERTEX_CASES = [
    ({"spec/pipelineInfo/name": "1st"}, "'1st' cannot begin a job id on Vertex"),
    ({"spec/pipelineInfo/name": "a" * 120}, "at most 113 characters"),
    ({f"{TRAINER}/componentRef/name": "Trainr"}, "there is no component 'Trainr'"),
    ({"spec/defaultPipelineRoot": "s3://bucket/root"}, "is not in Cloud Storage"),
    ({"spec/defaultPipelineRoot": GONE}, "The pipeline root '' is not in Cloud Storage"),
    ({f"{CONTAINER}/resources/accelerator/type": "nvidia.com/gpu"}, "Vertex has no accelerator"),
    ({f"{TASKS}/ExampleGen/cachingOptions/enableCache": True}, "ExampleGen: caching is on"),
    ({"platform": PLATFORM}, "The package has a platform document"),
]
