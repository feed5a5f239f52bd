"""A store that does not read what it overwrites, for matrices larger than any cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from cgraph.distances.plans import Floats

    def stream(array: Floats, index: int, value: float) -> None:
        """Store `value` at `index` of a C-contiguous array of one dimension, past the cache."""

else:

    @intrinsic
    def stream(_context: Any, array: Any, index: Any, _value: Any) -> Any:
        """Store `value` at `index` of a C-contiguous array of one dimension, past the cache."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            store = builder.store(arguments[2], builder.gep(data, [arguments[1]]))
            one = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
            store.set_metadata("nontemporal", one)
            return context.get_dummy_value()

        return types.void(array, index, array.dtype), generate
