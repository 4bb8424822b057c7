"""Argo's part: which task runs when, how often it is tried, and what becomes of those behind it.

Stands for argo-workflows v4.0.5, workflow/controller/dag.go and operator.go. A task runs when all
that it depends on succeeded (argocompiler/dag.go:713). If one did not, the task is omitted; tasks
on other branches go on to their end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from tests.kubeflow.emulator import importer
from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.driver import Decision, Driver
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.launcher import Attempt, Launcher
from tests.kubeflow.emulator.metadata import Execution, MetadataStore
from tests.kubeflow.emulator.nodes import Node, Nodes
from tests.kubeflow.emulator.retries import policy_of
from tests.kubeflow.emulator.run_context import RunContext
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.emulator.step import StepRunner


class Scheduler:
    """Executes the tasks of one run.

    Args:
        run: The run.
        nodes: Gets a node for all that happens.
        driver, launcher, metadata, runner: The backend's parts.
        settings: How many tasks run at once, and how long a second of waiting is.
        folder: For what the steps leave on this machine: their logs and, while they run, files.
    """

    def __init__(
        self,
        *,
        run: RunContext,
        nodes: Nodes,
        driver: Driver,
        launcher: Launcher,
        metadata: MetadataStore,
        runner: StepRunner,
        settings: Settings,
        folder: Path,
    ) -> None:
        self._run, self._nodes = run, nodes
        self._driver, self._launcher = driver, launcher
        self._metadata, self._runner = metadata, runner
        self._settings, self._folder = settings, folder
        self._executions: dict[str, Execution] = {}
        self._phases: dict[str, str] = {}
        self._stopped = threading.Event()
        self.failures: dict[str, str] = {}

    def stop(self) -> None:
        """Begins no other attempt; those that run are the runner's to end."""
        self._stopped.set()

    def execute(self, tasks: Mapping[str, Task], parent: Node) -> bool:
        """Runs the tasks; True if all succeeded."""
        waiting = dict(tasks)
        running: dict[Future[str], str] = {}
        with ThreadPoolExecutor(self._settings.parallel_tasks) as pool:
            while waiting or running:
                for name in self._ready(waiting):
                    running[pool.submit(self._task, waiting.pop(name), parent)] = name
                if running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._phases[running.pop(future)] = future.result()
                for name in self._hopeless(waiting):
                    self._omit(waiting.pop(name), parent)
        return all(phase == "Succeeded" for phase in self._phases.values())

    def _ready(self, waiting: Mapping[str, Task]) -> list[str]:
        return [
            name
            for name, task in waiting.items()
            if all(self._phases.get(before) == "Succeeded" for before in task.dependencies)
        ]

    def _hopeless(self, waiting: Mapping[str, Task]) -> list[str]:
        return [
            name
            for name, task in waiting.items()
            if all(before in self._phases for before in task.dependencies)
            and any(self._phases[before] != "Succeeded" for before in task.dependencies)
        ]

    def _omit(self, task: Task, parent: Node) -> None:
        for name in [task.name] if task.is_importer else [f"{task.name}-driver", task.name]:
            self._nodes.begin(name, "Omitted", parent)
        self._phases[task.name] = "Omitted"

    def _task(self, task: Task, parent: Node) -> str:
        """Runs a task in a thread of its own; returns the phase of its node."""
        if task.is_importer:
            return self._import(task, parent)
        folder = self._folder / "pods" / task.name
        driver_node = self._nodes.begin(f"{task.name}-driver", parent=parent)
        try:
            root = self._runner.launcher_root(folder)
            decision = self._driver.drive(task, self._run, self._executions, root)
        except BackendError as error:
            self._fail(task, driver_node, error)
            self._nodes.begin(task.name, "Omitted", parent)
            return "Failed"
        self._nodes.end(driver_node, "Succeeded")
        node = self._nodes.begin(task.name, parent=parent)
        if decision.cached:  # container.go:428: what is skipped counts as done
            self._nodes.begin("executor", "Skipped", node)
            phase = "Succeeded"
        else:
            phase = self._attempts(task, decision, folder, node)
        if phase == "Succeeded":
            self._executions[task.name] = decision.execution
        self._nodes.end(node, phase)
        return phase

    def _import(self, task: Task, parent: Node) -> str:
        node = self._nodes.begin(task.name, parent=parent)
        try:
            execution = importer.execute(task, self._run, self._metadata)
        except BackendError as error:
            self._fail(task, node, error)
            return "Failed"
        self._executions[execution.task_name] = execution
        self._nodes.end(node, "Succeeded")
        return "Succeeded"

    def _attempts(self, task: Task, decision: Decision, folder: Path, parent: Node) -> str:
        """Makes attempts until one succeeds or the policy ends (operator.go:978)."""
        policy, clock = policy_of(task), _Clock(self._settings.wait_factor)
        executor = self._nodes.begin("executor", parent=parent)
        number, deadline, reason = 0, None, "stopped"
        while not self._stopped.is_set():
            node = self._nodes.begin(f"executor({number})", parent=executor) if policy else executor
            log = self._folder / "logs" / f"{task.name}-{number}.log"
            attempt = Attempt(number, folder, log, deadline, policy is not None)
            try:
                self._launcher.launch(task, self._run, decision, attempt)
            except BackendError as error:
                self._fail(task, node, error)
                if policy is None:
                    return "Failed"
                number += 1
            else:
                self.failures.pop(task.name, None)
                self._nodes.end(node, "Succeeded")
                self._nodes.end(executor, "Succeeded")
                return "Succeeded"
            try:
                clock.pass_over(policy.wait(number, clock.elapsed()), self._stopped)
            except BackendError as error:
                reason = str(error)
                break
            deadline = policy.max_duration_s - clock.elapsed()
        self._nodes.end(executor, "Failed", reason)
        return "Failed"

    def _fail(self, task: Task, node: Node, error: BackendError) -> None:
        self.failures[task.name] = str(error)
        self._nodes.end(node, "Failed", str(error))


class _Clock:
    """Seconds since the first attempt, as a cluster would count them."""

    def __init__(self, factor: float) -> None:
        self._factor, self._began, self._passed_over = factor, time.monotonic(), 0.0

    def elapsed(self) -> float:
        return time.monotonic() - self._began + self._passed_over

    def pass_over(self, seconds: float, stopped: threading.Event) -> None:
        stopped.wait(seconds * self._factor)
        self._passed_over += seconds * (1 - self._factor)
