"""Short pauses: what loaded modules hold is left out of Python's garbage collections.

All pages' modules are some 400,000 objects; to look through them takes a quarter of a second, in which no page answers,
every dozen page runs.
"""

import gc
import sys

_known = 0


def settle() -> None:
    """Leave modules that were loaded since the last call out of every later collection; quick where there are none."""
    global _known
    if len(sys.modules) != _known:
        gc.collect()
        gc.freeze()
        _known = len(sys.modules)
