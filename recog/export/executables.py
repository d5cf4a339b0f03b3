"""Executables that JAX compiles for the shapes of arrays: few of them kept, each compiled once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax

KEPT = 48
"""Maximum number of executables of a function: the batch shapes of `recog.export.pictures` for an accelerator, all
widths included. One of a reader of 0.4 million parameters occupies 10 MiB of host memory."""


class Executables:
    """A function compiled for each new shape of its arguments; safe from many threads.

    `jax.jit` keeps every executable for as long as its function lives. Here the one that was used longest ago is given
    up for a new one, and threads that need the same new one wait for the first of them to compile it.

    Args:
      function: function of pytrees of arrays, and of constants by keyword.
      kept: maximum number of executables.
    """

    def __init__(self, function: Callable[..., Any], kept: int = KEPT):
        self._function = function
        self._kept = kept
        self._compiled: OrderedDict[Any, Future[Callable[..., Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, *arguments: Any, **constants: Any) -> Any:
        """Result for these arrays and constants, compiling if no executable for their shapes and values is kept."""
        leaves, structure = jax.tree.flatten(arguments)
        key = structure, *((x.shape, x.dtype) for x in leaves), *sorted(constants.items())
        with self._lock:
            future, new = self._compiled.get(key), False
            if future is None:
                future, new = self._compiled.setdefault(key, Future()), True
            self._compiled.move_to_end(key)
            while len(self._compiled) > self._kept:
                self._compiled.popitem(last=False)  # threads that wait for it still hold it
        if new:
            self._compile(key, future, arguments, constants)
        return future.result()(*arguments)

    @property
    def count(self) -> int:
        """Number of executables that are kept."""
        return len(self._compiled)

    def _compile(
        self, key: Any, future: "Future[Callable[..., Any]]", arguments: tuple[Any, ...], constants: dict[str, Any]
    ) -> None:
        """Fulfils the future; a failure is raised in all threads that wait, and forgotten for those that come later."""

        def of_its_own(*given: Any) -> Any:  # the caches of JAX hold what belongs to a function until that is garbage
            return self._function(*given, **constants)

        try:
            future.set_result(jax.jit(of_its_own).lower(*arguments).compile())
        except BaseException as error:
            with self._lock:
                self._compiled.pop(key, None)
            future.set_exception(error)
