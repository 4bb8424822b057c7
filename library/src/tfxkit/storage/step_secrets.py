"""Secrets of a step, by reference: a variable of its environment, or a file.

The reference is a parameter of the step, and may be in a configuration, in metadata and in a
package; the secret itself is read where the step runs, and is stored nowhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from tfxkit.errors import UsageError
from tfxkit.storage.filesystems import fileio

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode

__all__ = ["needs_secrets", "read_secret"]

_NEEDS_SECRETS = "tfxkit_needs_secrets"

Component = TypeVar("Component")


def needs_secrets(*parameters: str) -> Callable[[Component], Component]:
    """Decorator of a component with parameters that refer to secrets; an empty one refers to none.

    A run on this machine is refused before its first step if the variable or the file is missing,
    and so is a package for a backend that gives the step no such variable.

    Args:
        *parameters: Their names. In the configuration, they have the type
            `tfxkit.config.secrets.SecretReference`.
    """

    def declare(component: Component) -> Component:
        setattr(component, _NEEDS_SECRETS, parameters)
        return component

    return declare


def read_secret(reference: str) -> str:
    """Reads a secret, without white space around it.

    Args:
        reference: The name of a variable, or the path or address of a file.

    Raises:
        LookupError: If there is no such variable or file, or nothing in it.
    """
    if _is_file(reference):
        return _read_file(reference)
    secret = os.environ.get(reference, "").strip()
    if not secret:
        raise LookupError(f"the environment variable {reference} is not set or empty")
    return secret


def refuse_missing_secrets(nodes: Iterable[BaseNode]) -> None:
    """Refuses a run on this machine that lacks a secret of a step.

    Raises:
        UsageError: With the step and the reference.
    """
    for node, parameter, reference in _references(nodes):
        if "://" in reference:  # read when needed: a store may be slow
            continue
        try:
            read_secret(reference)
        except LookupError as error:
            raise UsageError(
                f"{node.id} needs the secret that its parameter {parameter} refers to, but {error}."
                f"{'' if _is_file(reference) else f' Set it: export {reference}=…'}"
            ) from None


def variables(node: BaseNode) -> list[str]:
    """Environment variables that a step needs for its secrets."""
    return [reference for _, _, reference in _references([node]) if not _is_file(reference)]


def _references(nodes: Iterable[BaseNode]) -> Iterator[tuple[BaseNode, str, str]]:
    for node in nodes:
        declared: Collection[str] = getattr(node, _NEEDS_SECRETS, ())
        for parameter in declared:
            if reference := node.exec_properties.get(parameter):
                yield node, parameter, reference


def _read_file(reference: str) -> str:
    path = os.path.expanduser(reference)
    try:
        if not fileio.exists(path):
            raise LookupError(f"there is no file {reference}")
        with fileio.open(path, "r") as file:
            secret: str = file.read().strip()
    except OSError as error:
        raise LookupError(
            f"the file {reference} cannot be read: {error.strerror or error}"
        ) from error
    if not secret:
        raise LookupError(f"the file {reference} is empty")
    return secret


def _is_file(reference: str) -> bool:
    return "/" in reference
