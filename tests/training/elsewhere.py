"""A device that is not there: tensors say that they are on it, their numbers are a processor's.

What a real accelerator would refuse, tensors of two devices in one operation, raises here; what would make the processor
wait for it is counted. PyTorch lets one backend be written in Python ("PrivateUse1"); autograd takes it for a device like any
other. It is registered for the whole process, so whoever imports this should be a process of its own.
"""

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,  # pyright: ignore[reportAttributeAccessIssue]
    _setup_privateuseone_for_python_backend,  # pyright: ignore[reportAttributeAccessIssue]
)

NAME = "elsewhere"
aten = torch.ops.aten
READS = {  # operations whose result the processor needs before it can go on
    aten._local_scalar_dense.default: "item",
    aten.nonzero.default: "nonzero",
    aten.masked_select.default: "masked_select",
}
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)  # take indices from the processor too


class _Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


_setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
_autocast = torch.library.Library("_", "IMPL")
_autocast.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")  # casts nothing
waits: Counter[str] = Counter()


class There(torch.Tensor):
    """A tensor on the device; `numbers` is where it really is."""

    numbers: torch.Tensor

    @staticmethod
    def __new__(cls, numbers: torch.Tensor) -> "There":
        self = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            layout=numbers.layout,
            device=torch.device(NAME, 0),
        )
        self.numbers = numbers
        return self

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(op, args, kwargs or {})


def _run(op: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """An operation with at least one tensor, or its result, on the device."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, There)]
    asked = torch.device(kwargs["device"]).type if kwargs.get("device") else None
    _refuse_mixing(op, tensors, there)
    _count_waits(op, args, tensors, there, asked)
    args, kwargs = tree_map(lambda leaf: leaf.numbers if isinstance(leaf, There) else leaf, (args, kwargs))
    if asked:
        kwargs["device"] = "cpu"
    result = op(*args, **kwargs)
    stays = asked == NAME if asked else bool(there)
    if not stays or op is aten._local_scalar_dense.default:
        return result
    known = {id(tensor.numbers): tensor for tensor in there}  # an operation in place gives its own tensor back

    def carried(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        return known.get(id(leaf)) if id(leaf) in known else There(leaf)

    return tree_map(carried, result)


def _refuse_mixing(op: Any, tensors: list[torch.Tensor], there: list["There"]) -> None:
    """A copy goes between devices, numbers without a shape go everywhere, and so do indices; nothing else does."""
    if not there or op is aten.copy_.default or op in INDEXING:
        return
    if any(tensor.dim() for tensor in tensors if not isinstance(tensor, There)):
        raise RuntimeError(f"{op}: tensors on {NAME}:0 and on cpu")


def _count_waits(op: Any, args: Any, tensors: list[torch.Tensor], there: list["There"], asked: str | None) -> None:
    moved = op is aten._to_copy.default and asked is not None and asked != tensors[0].device.type
    masked = op in INDEXING and any(index is not None and index.dtype == torch.bool for index in args[1])
    name = READS.get(op) or (f"copy to {asked}" if moved else "boolean index" if masked else None)
    if name and (there or moved):
        waits[name] += 1


class _Generator(torch.Generator):
    """A generator that says it is on the device; its numbers are the processor's."""

    def __new__(cls, device: Any = "cpu") -> "_Generator":
        self = super().__new__(cls, "cpu")  # pyright: ignore[reportCallIssue]
        self.said = torch.device(device)
        return self

    @property
    def device(self) -> torch.device:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.said  # pyright: ignore[reportAttributeAccessIssue]


class Machine(TorchDispatchMode):
    """Inside, the device is there."""

    def __enter__(self) -> "Machine":
        torch._C._set_only_lift_cpu_tensors(True)  # pyright: ignore[reportAttributeAccessIssue]
        self._real, torch.Generator = torch.Generator, _Generator
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        torch._C._set_only_lift_cpu_tensors(False)  # pyright: ignore[reportAttributeAccessIssue]
        torch.Generator = self._real
        super().__exit__(*error)

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        asked = kwargs.get("device")
        ours = (asked and torch.device(asked).type == NAME) or any(issubclass(one, There) for one in types)
        return _run(op, args, kwargs) if ours else op(*args, **kwargs)
