"""The operators of PyTorch, registered when it is loaded: a program that was saved names them, and may be loaded before
any function of this package is called."""

import contextlib
import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def register_operators_with_torch() -> None:
    """Register them, at once if PyTorch has been loaded, else right after that."""
    if "torch" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _AfterTorch())


def _register() -> None:
    # Of a PyTorch that is too old for them, what needs no operator still works; a call that does says what is missing.
    with contextlib.suppress(Exception):
        importlib.import_module("numbaexp.bridges.torch")


class _AfterTorch(MetaPathFinder):
    """Finds PyTorch as the other finders do, and registers the operators when its module has been executed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "torch":
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        loader: Any = spec and spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            loader.exec_module = self._then_register(loader.exec_module)
        return spec

    def _then_register(self, execute: Any) -> Any:
        def exec_module(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _register()

        return exec_module
