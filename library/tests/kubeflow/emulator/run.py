"""A run: the root driver, then the scheduler, and what became of them."""

from __future__ import annotations

import datetime
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubeflow.emulator import nodes, uris
from tests.kubeflow.emulator.compiler import Workflow
from tests.kubeflow.emulator.driver import Driver
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.launcher import Launcher
from tests.kubeflow.emulator.metadata import Artifact, Execution
from tests.kubeflow.emulator.run_context import RunContext
from tests.kubeflow.emulator.scheduler import Scheduler

if TYPE_CHECKING:
    from tests.kubeflow.emulator.backend import Backend


class Run:
    """A run, executed in a thread.

    Attributes:
        id: Its id.
        display_name: Its name for people.
        state: PENDING, RUNNING, SUCCEEDED or FAILED.
        nodes: What Argo did.
        workflow: What was compiled.
        workflow_name: The name of Argo's workflow.
        created: When it was created.
        finished: When it ended, if it has.
        history: Each state with the moment that it began.
    """

    def __init__(
        self, backend: Backend, workflow: Workflow, pipeline_root: str, display_name: str
    ) -> None:
        self.id, self.display_name = str(uuid.uuid4()), display_name
        self.workflow = workflow
        self.workflow_name = f"{workflow.pipeline_name}-{self.id[:5]}"
        self.nodes = nodes.Nodes(self.workflow_name)
        self.created = nodes.now()
        self.finished: datetime.datetime | None = None
        self.state, self.history = "PENDING", [("PENDING", self.created)]
        self._backend, self._pipeline_root = backend, pipeline_root
        self._scheduler: Scheduler | None = None
        self._root_failure = ""
        self._crash: Exception | None = None
        self._thread = threading.Thread(target=self._execute, name=f"run {self.id}")

    @property
    def folder(self) -> Path:
        return self._backend.folder / self.id

    @property
    def failures(self) -> dict[str, str]:
        """Why tasks failed, by name; the API tells nobody."""
        if self._root_failure:
            return {"root-driver": self._root_failure}
        return dict(self._scheduler.failures) if self._scheduler else {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begins no other attempt."""
        if self._scheduler:
            self._scheduler.stop()

    def join(self) -> None:
        """Waits for the end, whatever it is."""
        self._thread.join()

    def wait(self, timeout: float | None = None) -> str:
        """Waits for the end, at most `timeout` seconds, and returns the state.

        Raises:
            Exception: The emulator itself could not go on, as with NotEmulated.
        """
        self._thread.join(timeout)
        if self._crash:
            raise self._crash
        return self.state

    def execution(self, task: str) -> Execution:
        """The execution of a task, whatever became of it; raises KeyError if there is none."""
        for execution in self._backend.metadata.executions.values():
            if (execution.run_id, execution.task_name) == (self.id, task):
                return execution
        raise KeyError(task)

    def artifact(self, task: str, key: str) -> Artifact:
        """An output artifact of a task; raises KeyError."""
        return self._backend.metadata.artifacts[self.execution(task).artifacts[key]]

    def phases(self) -> dict[str, str]:
        """The phase of each task's node, as Argo calls it."""
        found = {node.name: node.phase for node in self.nodes.all()}
        return {name: found[name] for name in self.workflow.tasks if name in found}

    def log(self, task: str, attempt: int = 0) -> str:
        """Output of a task; empty if it never began."""
        path = self.folder / "logs" / f"{task}-{attempt}.log"
        return path.read_text() if path.exists() else ""

    def _execute(self) -> None:
        self._enter("RUNNING")
        whole = self.nodes.begin(self.workflow_name)
        succeeded = False
        try:
            succeeded = self._run_root(whole)
        except Exception as error:  # raised again where the run is waited for
            self._crash = error
        self.nodes.end(whole, "Succeeded" if succeeded else "Failed")
        self.finished = nodes.now()
        self._enter("SUCCEEDED" if succeeded else "FAILED")

    def _run_root(self, whole: nodes.Node) -> bool:
        """The root driver, then the tasks (driver/root_dag.go:84)."""
        backend, workflow = self._backend, self.workflow
        driver_node = self.nodes.begin("root-driver", parent=whole)
        try:
            context = self._context(workflow)
        except BackendError as error:
            self._root_failure = f"driver.RootDAG failed: {error}"
            self.nodes.end(driver_node, "Failed", self._root_failure)
            self.nodes.begin("root", "Omitted", whole)
            return False
        self.nodes.end(driver_node, "Succeeded")
        root = self.nodes.begin("root", parent=whole)
        self._scheduler = Scheduler(
            run=context,
            nodes=self.nodes,
            driver=Driver(backend.metadata, backend.cache, backend.settings),
            launcher=Launcher(backend.store, backend.metadata, backend.cache, backend.runner),
            metadata=backend.metadata,
            runner=backend.runner,
            settings=backend.settings,
            folder=self.folder,
        )
        succeeded = self._scheduler.execute(workflow.tasks, root)
        self.nodes.end(root, "Succeeded" if succeeded else "Failed")
        return succeeded

    def _context(self, workflow: Workflow) -> RunContext:
        root = self._pipeline_root or self._backend.settings.default_pipeline_root
        uris.root_bucket(root)
        root = uris.join(root, workflow.pipeline_name, self.id)
        parameters = dict(workflow.parameters)
        return RunContext(
            run_id=self.id,
            display_name=self.display_name,
            workflow_name=self.workflow_name,
            pipeline_name=workflow.pipeline_name,
            root=root,
            bucket=uris.root_bucket(root),
            created_at=nodes.timestamp(self.created),
            dag_execution_id=self._backend.metadata.create_execution(self.id, "", parameters).id,
            parameters=parameters,
        )

    def _enter(self, state: str) -> None:
        self.history.append((state, nodes.now()))
        self.state = state
