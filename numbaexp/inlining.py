"""A compiler of Numba's for functions that are inlined: most of the work on them is left to where they are called.

Numba by itself optimizes each function with all that it calls, emits machine code for it, and then does so again for
all that it was inlined into: a third of the time of compiling. What it does to the function alone stays, for that makes
better code of the callers.
"""

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Unoptimized(JITCodeLibrary):
    """Code that others link."""

    def _optimize_final_module(self) -> None:
        """Leave that to the callers."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _LoweringForCallers(NativeLowering):
    _name = "lowering_for_callers"

    def run_pass(self, state: Any) -> bool:
        state.library = _Unoptimized(state.targetctx.codegen(), state.func_id.func_qualname)
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


class InliningCompiler(CompilerBase):
    """Numba's passes, with a lowering of its own."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (_LoweringForCallers if made is NativeLowering else made, description)
            for made, description in manager.passes
        ]
        manager.finalize()
        return [manager]
