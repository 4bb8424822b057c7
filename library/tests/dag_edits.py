"""The DAG of the tests without some of its steps, as an owner would edit it."""

from __future__ import annotations

import ast
import sys
from types import ModuleType

import pytest

from tests.sample_project import SAMPLE

MODULE = "tests.edited_dag"
# Variable -> the step that it holds.
OPTIONAL = {
    "example_validator": "ExampleValidator",
    "baseline": "Baseline",
    "data_gate": "DataGate",
    "serving_check": "ServingCheck",
}


class _TakeOut(ast.NodeTransformer):
    """Deletes the block of a step, and whatever names it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _names(self, node: ast.AST) -> bool:
        return any(isinstance(one, ast.Name) and one.id == self.name for one in ast.walk(node))

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        is_block = any(self._names(target) for target in node.targets)
        return None if is_block else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if self._names(node) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [one for one in node.keywords if not self._names(one.value)]
        return self.generic_visit(node)

    def visit_List(self, node: ast.List) -> ast.AST:
        node.elts = [one for one in node.elts if not self._names(one)]
        return node


def without(monkeypatch: pytest.MonkeyPatch, *variables: str) -> str:
    """Makes a module with the DAG without the steps that some variables hold; returns its name."""
    tree: ast.AST = ast.parse((SAMPLE / "dag.py").read_text())
    for variable in variables:
        tree = _TakeOut(variable).visit(tree)
    return with_code(monkeypatch, ast.unparse(ast.fix_missing_locations(tree)))


def with_code(monkeypatch: pytest.MonkeyPatch, source: str) -> str:
    """Makes a module of a DAG's source; returns its name, for the key `dag`."""
    module = ModuleType(MODULE)
    module.__file__ = f"/{MODULE.replace('.', '/')}.py"
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, MODULE, module)
    return MODULE
