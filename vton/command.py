"""How the commands of `vton` end: what a person can do something about is one sentence on stderr, never a traceback."""

import sys
from collections.abc import Callable

import torch

from vton.errors import VtonError


def ended(name: str, action: Callable[[], int], place: object, stopped: str) -> int:
    """The exit status of the command `name`: what `action` returns, 1 where it fails, 130 where it is interrupted.

    `place` is what it writes or else reads; `stopped` says what an interruption leaves.
    """
    try:
        return action()
    except VtonError as error:
        said, status = str(error), 1
    except OSError as error:
        said, status = f"{place} cannot be used: {error.strerror or error}.", 1
    except torch.OutOfMemoryError:
        said, status = "the device has too little memory; make fewer at once, or give --device cpu", 1
    except KeyboardInterrupt:
        said, status = f"stopped; {stopped}", 130
    print(f"{name}: {said}", file=sys.stderr)
    return status
