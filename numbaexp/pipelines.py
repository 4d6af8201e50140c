"""Compilers of Numba's that do once what it does twice.

Numba optimizes each function and emits machine code for it, and does so again for all that it was inlined into; and it
optimizes that twice, for the sake of counted references, which there are none of here. That is half of the time of
compiling.
"""

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _OfKernel(JITCodeLibrary):
    """Code that is optimized once."""

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        manager, builder = self._codegen._module_pass_manager()
        manager.run(self._final_module, builder)


class _OfInlined(_OfKernel):
    """Code that others link, as it was generated."""

    def _optimize_final_module(self) -> None:
        """Leave that to the callers."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _KernelLowering(NativeLowering):
    _name = "kernel_lowering"
    _library: type[JITCodeLibrary] = _OfKernel

    def run_pass(self, state: Any) -> bool:
        state.library = self._library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().run_pass(state)


@register_pass(mutates_CFG=True, analysis_only=False)
class _InlinedLowering(_KernelLowering):
    _name = "inlined_lowering"
    _library = _OfInlined

    def run_pass(self, state: Any) -> bool:
        state.flags.no_compile = True
        super().run_pass(state)
        # What Numba's tables of functions have for one: an object of Python's, which here nobody can call.
        made = state["cr"]
        entry = _dynfunc.make_function(
            made.fndesc.lookup_module(), made.fndesc.qualname, "", 0, made.env, (state.library,)
        )
        state.targetctx.insert_user_function(entry, made.fndesc, [state.library])
        state["cr"] = made._replace(cfunc=entry)
        return True


class KernelCompiler(CompilerBase):
    """Numba's passes, of a function that C calls by its address."""

    _lowering: type[NativeLowering] = _KernelLowering

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (self._lowering if made is NativeLowering else made, description) for made, description in manager.passes
        ]
        manager.finalize()
        return [manager]


class InlinedCompiler(KernelCompiler):
    """The same, of a function that is inlined."""

    _lowering = _InlinedLowering
