"""Caching that would reuse results although what they depend on has changed."""

from __future__ import annotations

from collections.abc import Iterator

from tfxkit.kubeflow.checks.view import Task, View

# What each of these depends on besides its parameters and input artifacts.
_BLIND = {
    "ExampleGen": "the data in its folder",
    "Baseline": "the model that is being served",
    "Pusher": "what is in the serving folder",
}
# Packages of their executors, ours and TFX's.
_PACKAGES = {
    "example_gen": "ExampleGen",
    "baseline": "Baseline",
    "pusher": "Pusher",
}
_EXECUTOR = "--executor_class_path"


def blind_keys(view: View) -> Iterator[str]:
    """The key holds parameters, names of input artifacts, command, image, and no data.

    v2/cacheutils/cache.go:173-228; asked if the task says so: v2/driver/container.go:217. On Vertex
    TFX's hook before the cache puts the fingerprint of ExampleGen's data into the key.
    """
    for task in view.tasks:
        kind = _kind(task)
        if kind is None or not task.spec.caching_options.enable_cache:
            continue
        hook = task.container is not None and task.container.lifecycle.pre_cache_check.command
        if view.target == "vertex" and kind == "ExampleGen" and hook:
            continue
        yield (
            f"{task.name}: caching is on, and the cache does not see {_BLIND[kind]}, so an old "
            "result would be taken for the new one: leave cachingOptions.enableCache out for this "
            "step."
        )


def _kind(task: Task) -> str | None:
    """By the package of its executor; by its name where the command names no executor."""
    arguments = task.arguments()
    if _EXECUTOR not in arguments[:-1]:
        return next((kind for kind in _BLIND if task.name.endswith(kind)), None)
    packages = arguments[arguments.index(_EXECUTOR) + 1].split(".")
    return next((kind for package, kind in _PACKAGES.items() if package in packages), None)
