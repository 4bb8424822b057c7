"""When Argo tries a failed step again (argo-workflows v4.0.5, workflow/controller/operator.go).

Two rules are easily missed. `backoffMaxDuration` bounds no single wait: it is counted from the
start of the first attempt, running time included, and an attempt that is under way then is killed.
A policy without it gets 0 (argocompiler/container.go:410), so nothing is ever tried again. And
`backoffFactor` must be a whole number.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.parameters import number_text


@dataclass(frozen=True)
class RetryPolicy:
    """A task's retry policy, as the compiler hands it to Argo (argocompiler/container.go:614)."""

    limit: int
    duration_s: int
    factor: str
    max_duration_s: int

    def wait(self, attempts: int, elapsed_s: float) -> float:
        """Seconds to wait before the next attempt (operator.go:1025-1138).

        Args:
            attempts: How many were made.
            elapsed_s: Seconds since the first began.

        Raises:
            BackendError: There is no next attempt; says why.
        """
        if elapsed_s > self.max_duration_s:
            raise BackendError("Max duration limit exceeded")
        try:
            factor = int(self.factor)
        except ValueError as error:
            raise BackendError(f"value '{self.factor}' cannot be resolved to an int") from error
        wait = float(self.duration_s * factor ** (attempts - 1) if factor > 0 else self.duration_s)
        if elapsed_s + wait > self.max_duration_s:
            raise BackendError("Backoff would exceed max duration limit")
        if attempts > self.limit:
            raise BackendError("No more retries left")
        return wait


def policy_of(task: Task) -> RetryPolicy | None:
    """The task's policy, if it has one; fractions of seconds are cut off."""
    if not task.spec.HasField("retry_policy"):
        return None
    policy = task.spec.retry_policy
    return RetryPolicy(
        limit=policy.max_retry_count,
        duration_s=policy.backoff_duration.seconds,
        factor=number_text(policy.backoff_factor),
        max_duration_s=policy.backoff_max_duration.seconds,
    )
