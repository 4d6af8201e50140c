"""A compiler pipeline for inlined functions, which are optimized and emitted only as parts of their callers.

Numba optimizes each function with its callees and emits machine code for it, and then does so again for all functions
that it was inlined into: a third of the compile time. The passes on the function alone stay, for the sake of better
code in callers.
"""

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Unoptimized(JITCodeLibrary):
    """Hold LLVM modules that callers link."""

    def _optimize_final_module(self) -> None:
        """Skip optimization; the callers are optimized."""

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
        # Numba registers compiled functions by a Python object; this one cannot be called.
        made = state["cr"]
        entry = _dynfunc.make_function(
            made.fndesc.lookup_module(), made.fndesc.qualname, "", 0, made.env, (state.library,)
        )
        state.targetctx.insert_user_function(entry, made.fndesc, [state.library])
        state["cr"] = made._replace(cfunc=entry)
        return True


class InliningCompiler(CompilerBase):
    """Replace the lowering in Numba's nopython pipeline."""

    def define_pipelines(self) -> list[Any]:
        manager = DefaultPassBuilder.define_nopython_pipeline(self.state)
        manager.passes = [
            (_LoweringForCallers if made is NativeLowering else made, description)
            for made, description in manager.passes
        ]
        manager.finalize()
        return [manager]
