"""A DAG of a single step of a project's own, which raises."""

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import base_component, base_executor, executor_spec


@tfx.dsl.components.component
def Announce(file: tfx.dsl.components.Parameter[str]):  # noqa: N802
    with open(flie, "a"):  # noqa: F821
        pass


class Executor(base_executor.BaseExecutor):
    def Do(self, input_dict, output_dict, exec_properties):  # noqa: N802
        raise LookupError("no such customer")


class Spec(types.ComponentSpec):
    PARAMETERS, INPUTS, OUTPUTS = {}, {}, {}


class Lookup(base_component.BaseComponent):
    SPEC_CLASS = Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)


def create_components(config, places):
    steps = {"announce": lambda: Announce(file="pushed.txt"), "lookup": lambda: Lookup(Spec())}
    return [steps[config.pipeline]()]
