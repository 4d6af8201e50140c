"""The report of ``python -m numbaexp`` on targets, machine and packages."""

import contextlib
import platform
import re
from collections.abc import Iterator

from numbaexp.public.targets import targets
from numbaexp.version import __version__

# Distributions of supported libraries. CuPy has one for each version of CUDA.
_PEERS = ("numba-cuda", "torch", "cupy", "cupy-cuda12x", "cupy-cuda13x", "jax", "ml_dtypes")


def report() -> str:
    """Return the report that ``python -m numbaexp`` prints."""
    rows = [*_usable(), *_versions(), *_machine(), *_cuda()]
    rows.append(("accuracy", "python -m numbaexp verify checks it on this machine"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows)


_Rows = Iterator[tuple[str, str]]


def _usable() -> _Rows:
    for name, reason in targets().items():
        yield f"target {name}", "usable" if reason is None else f"not usable: {reason}"


def _versions() -> _Rows:
    import importlib.metadata

    import llvmlite
    import llvmlite.binding as llvm
    import numba
    import numpy as np

    yield "numbaexp", __version__
    yield "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    yield "numba", numba.__version__
    yield "llvmlite", f"{llvmlite.__version__}, LLVM {'.'.join(map(str, llvm.llvm_version_info))}"
    yield "numpy", np.__version__
    for name in _PEERS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


def _machine() -> _Rows:
    from numba.core.registry import cpu_target

    from numbaexp.cache.carried import level_here
    from numbaexp.vector.level import current_level

    triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    yield "processor", f"{_processor()}, compiled for as {name}"
    yield "SIMD", f"{current_level().name}; in loops that LLVM vectorizes {simd(triple, name, features)}"
    yield "threads", _threads()
    carried = level_here()
    if carried is not None:
        yield "machine code", f"carried for {carried}"
    yield "cache", _cache()


def _cuda() -> _Rows:
    from numbaexp.cuda import usable

    if usable.simulated():
        yield "device", "simulated (NUMBA_ENABLE_CUDASIM)"
    if usable.driver_version():
        yield "NVIDIA driver", f"for CUDA {usable.driver_version()}"
    for number, device in enumerate(usable.devices()):
        major, minor = device.compute_capability
        yield (
            f"device {number}",
            f"{device.name}, compute capability {major}.{minor}, {device.memory / 2**30:.0f} GiB",
        )


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


# A loop that LLVM vectorizes, and a fused multiply-add. Compiling them tells more than a list of features: LLVM prefers
# narrower vectors than some processors have, and some have scalable ones.
_PROBE = """
define void @loop(ptr noalias %x, ptr noalias %y, i64 %n) {
entry:
  br label %body
body:
  %i = phi i64 [0, %entry], [%next, %body]
  %from = getelementptr double, ptr %x, i64 %i
  %to = getelementptr double, ptr %y, i64 %i
  %old = load double, ptr %from
  %new = fmul double %old, %old
  store double %new, ptr %to
  %next = add nuw i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %body, label %end
end:
  ret void
}
define double @product(double %x, double %y, double %z) {
  %sum = call double @llvm.fma.f64(double %x, double %y, double %z)
  ret double %sum
}
declare double @llvm.fma.f64(double, double, double)
"""


def simd(triple: str, processor: str, features: str) -> str:
    """Describe the vector width that LLVM chooses for loops, and whether there is an FMA instruction."""
    import llvmlite.binding as llvm

    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, features=features, opt=3)
    module = llvm.parse_assembly(_PROBE)
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    vectors = re.findall(r"<(vscale x )?(\d+) x double>", str(module))
    bits = 64 * max((int(lanes) for _, lanes in vectors), default=1)
    width = f"{bits} bits or more" if any(scalable for scalable, _ in vectors) else f"{bits} bits"
    # Without the instruction, LLVM calls the C library's function.
    called = re.search(r"\b_?fma\b", machine.emit_assembly(module))
    return f"{width}, {'without' if called else 'with'} FMA"


def _threads() -> str:
    import numba

    from numbaexp.cpu import pool, thread_limit

    try:
        pool.launch()
    except ValueError as error:
        return f"none: {' '.join(str(error).split())}"
    number = f"{thread_limit.threads()} of {numba.config.NUMBA_NUM_THREADS}"
    layer = numba.threading_layer()
    if layer in pool.SAFE_LAYERS:
        return f"{number}, threading layer {layer}"
    return f"{number}, Python's: threading layer {layer} is not safe"


def _cache() -> str:
    from numbaexp.cache.folders import writable

    return str(writable() or "") or "none: no folder can be written, and each process compiles anew"
