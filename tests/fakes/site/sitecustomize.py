"""Puts the taught fakes in the place of the real detectors for each `python -m vton.preprocess` that sees this folder.

FAKES_TAUGHT names what they learnt, FAKES_SECONDS how long each takes to be loaded.
"""

import os
import sys

if "vton.preprocess" in sys.orig_argv:
    import time
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[3]))
    from tests.fakes.taught import Taught
    from tests.fakes.taught import detectors as fakes
    from vton.preprocess import detectors

    def open_detectors(names: object, device: str, batch: int = 4) -> detectors.Detectors:
        time.sleep(float(os.environ.get("FAKES_SECONDS", "0")))
        return fakes(Taught.load(Path(os.environ["FAKES_TAUGHT"])))

    detectors.open_detectors = open_detectors  # type: ignore[assignment]
