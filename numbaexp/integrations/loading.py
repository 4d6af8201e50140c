"""Import hooks: modules that are imported after another library, so that importing numbaexp need not import both."""

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def import_with(library: str, module: str, *, unless: tuple[type[Exception], ...] = ()) -> None:
    """Import a module of this package, at once if a library has been loaded, else right after that.

    Errors of the types ``unless`` are suppressed: with a library that is too old, the rest of the package works.
    """

    def import_module() -> None:
        with contextlib.suppress(*unless):
            importlib.import_module(module)

    if library in sys.modules:
        import_module()
    else:
        sys.meta_path.insert(0, _After(library, import_module))


class _After(MetaPathFinder):
    """Find a library as the other finders do, and call a function after its module has been executed."""

    def __init__(self, library: str, call: Callable[[], None]) -> None:
        self._library, self._call = library, call
        self._is_asking = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        # Another finder may ask all others in its turn.
        if name != self._library or self._is_asking:
            return None
        self._is_asking = True
        try:
            others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
            spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        finally:
            self._is_asking = False
        loader: Any = spec and spec.loader
        if loader is not None and hasattr(loader, "exec_module"):
            loader.exec_module = self._then_call(loader.exec_module)
        return spec

    def _then_call(self, execute: Any) -> Any:
        def exec_module(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._call()

        return exec_module
