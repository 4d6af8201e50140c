"""What runs in Numba's CUDA simulator, which must be turned on before Numba is imported: ``test_simulator.py`` starts a
process of its own for it, and in any other these files are not collected."""

import os
import types

import pytest

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture
def torch(monkeypatch):
    """Import PyTorch, and let it think that its tensors are on a device."""
    torch = pytest.importorskip("torch", reason="the owner is a PyTorch tensor")
    for name, value in {"is_cpu": False, "is_cuda": True, "device": types.SimpleNamespace(index=0)}.items():
        monkeypatch.setattr(torch.Tensor, name, property(lambda self, value=value: value), raising=False)
    streams = lambda device: types.SimpleNamespace(cuda_stream=30 + device.index)  # noqa: E731
    monkeypatch.setattr(torch.cuda, "current_stream", streams)
    return torch
