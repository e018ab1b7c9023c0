"""numba, at arm's length: a kernel is compiled when it is first called, not when its module is imported.

Importing hpccr therefore stays fast and touches no cache directory. A kernel may call another kernel of
the same or another module; both are compiled then.
"""

import functools
import sys
import types
import zlib

from hpccr import parallel


def kernel(function=None, **options):
    """Mark a plain function over arrays of any shape and floats as a numba kernel (cached on disk, compiled at first call).

    Parameters
    ----------
    options : dict
        Passed to ``numba.njit``; the defaults are ``cache=True`` and ``error_model="numpy"``.
    """
    if function is None:
        return functools.partial(kernel, **options)
    return _Kernel(function, options)


@functools.cache
def _tell_once():
    """Say that kernels cannot be kept."""
    if parallel.launch_rank() == 0:
        sys.stderr.write("hpccr: neither the code's own directory nor the home directory can be written, so each process compiles its kernels "
                         "anew; NUMBA_CACHE_DIR names a directory where they are kept\n")


class _Kernel:
    def __init__(self, function, options):
        functools.update_wrapper(self, function)
        self._options = {"cache": True, "error_model": "numpy", **options}
        self._dispatcher = None

    @property
    def dispatcher(self):
        """The numba dispatcher, made on first use."""
        if self._dispatcher is None:
            import numba

            plain = self.__wrapped__
            # numba cannot see through this class: give it the dispatchers of the kernels that are called.
            seen = {name: other.dispatcher for name, other in self._called().items()}
            bare = types.FunctionType(plain.__code__, {**plain.__globals__, **seen}, plain.__name__,
                                      plain.__defaults__, plain.__closure__)
            bare.__module__, bare.__qualname__ = plain.__module__, plain.__qualname__ + self._mark()
            try:
                self._dispatcher = numba.njit(**self._options)(bare)
            except RuntimeError as error:
                if "cannot cache" not in str(error):
                    raise
                _tell_once()
                self._dispatcher = numba.njit(**{**self._options, "cache": False})(bare)
        return self._dispatcher

    def _called(self):
        """The kernels that this one names: dict."""
        names, known = self.__wrapped__.__code__.co_names, self.__wrapped__.__globals__
        return {name: known[name] for name in names if isinstance(known.get(name), _Kernel)}

    def _mark(self):
        """What goes into the name of a cached kernel that calls, directly or not, those of other modules.

        numba looks for changes in a kernel's own file only, and what is called is compiled into the caller.
        """
        own, found = self.__wrapped__.__code__.co_filename, []
        for _, other in sorted(self._called().items()):
            path = other.__wrapped__.__code__.co_filename
            if path != own:
                with open(path, "rb") as file:
                    found.append(file.read())
            found.append(other._mark().encode())
        content = b"".join(found)
        return f"_{zlib.crc32(content):08x}" if content else ""

    def __call__(self, *args):
        return self.dispatcher(*args)
