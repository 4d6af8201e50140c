"""A compiler pipeline for single functions of users, of which calls of exponentials are ours."""

import functools
from typing import Any

from numba.core.caching import FunctionCache
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.typed_passes import NativeLowering, NativeParforLowering

from numbaexp.integrations.numba_math import accelerated
from numbaexp.version import __version__


@register_pass(mutates_CFG=True, analysis_only=False)
class _AcceleratedLowering(NativeLowering):
    _name = "accelerated_lowering"

    def run_pass(self, state: Any) -> bool:
        with accelerated():
            return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _AcceleratedParforLowering(NativeParforLowering):
    _name = "accelerated_parfor_lowering"

    def run_pass(self, state: Any) -> bool:
        with accelerated():
            return super().run_pass(state)


_LOWERINGS = {NativeLowering: _AcceleratedLowering, NativeParforLowering: _AcceleratedParforLowering}


class AcceleratedCompiler(CompilerBase):
    """Compile one function as under :func:`numbaexp.accelerate_numba`: ``njit(pipeline_class=AcceleratedCompiler)``.

    Functions that are called are compiled as ever. A pickled function loses its pipeline, in Numba.
    """

    def define_pipelines(self) -> list[Any]:
        """Replace the lowering in Numba's nopython pipeline."""
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [(_LOWERINGS.get(made, made), description) for made, description in manager.passes]
        manager.finalize()
        return [manager]


class _AcceleratedCache(FunctionCache):
    """Numba's cache of a function, whose key says nothing of the pipeline."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), "numbaexp", "pipeline", __version__)


_enable_caching = Dispatcher.enable_caching


@functools.wraps(_enable_caching)
def _enable_own_caching(self: Any) -> None:
    if issubclass(self._compiler.pipeline_class, AcceleratedCompiler):
        self._cache = _AcceleratedCache(self.py_func)
    else:
        _enable_caching(self)


Dispatcher.enable_caching = _enable_own_caching  # type: ignore[method-assign]
