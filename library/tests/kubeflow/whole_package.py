"""A tiny package, written by hand, that both backends take; and a way to break it in one place."""

from __future__ import annotations

import copy

import yaml

from tfxkit.kubeflow.package import Package

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
        command: [python, -m, tfxkit.kubeflow.entrypoint]
        args: ["--json_serialized_invocation_args", "{{$}}"]
    Trainer_executor:
      container:
        image: registry.example.com/taxi:1
        command: [python, -m, tfxkit.kubeflow.entrypoint]
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
