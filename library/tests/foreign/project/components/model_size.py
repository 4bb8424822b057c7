"""Stops the pipeline where a model is too large for the devices that it is for."""

import os

from tfx import v1 as tfx
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import Channel, ComponentSpec, artifact_utils
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from tfxkit.errors import ModelError

io = tfx.dsl.io.fileio


class SizeReport(tfx.dsl.Artifact):
    TYPE_NAME = "components.SizeReport"


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):
        model = artifact_utils.get_single_instance(input_dict["model"])
        report = artifact_utils.get_single_instance(output_dict["report"])
        sizes = {
            os.path.join(folder, name): io.open(os.path.join(folder, name), "rb").size()
            for folder, _, names in io.walk(model.uri)
            for name in names
        }
        megabytes = sum(sizes.values()) / 1e6
        if megabytes > exec_properties["max_megabytes"]:
            raise ModelError(
                f"The model has {megabytes:.1f} MB, more than the devices take "
                "(steps.model_size.max_megabytes)"
            )
        report.set_float_custom_property("megabytes", megabytes)
        io.makedirs(report.uri)
        with io.open(os.path.join(report.uri, "files.txt"), "w") as file:
            file.write("".join(f"{size} {name}\n" for name, size in sizes.items()))


class ModelSizeSpec(ComponentSpec):
    PARAMETERS = {"max_megabytes": ExecutionParameter(type=float)}
    INPUTS = {"model": ChannelParameter(type=tfx.types.standard_artifacts.Model)}
    OUTPUTS = {"report": ChannelParameter(type=SizeReport)}


class ModelSize(base_component.BaseComponent):
    SPEC_CLASS = ModelSizeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, model, max_megabytes):
        super().__init__(
            ModelSizeSpec(model=model, max_megabytes=max_megabytes, report=Channel(type=SizeReport))
        )
