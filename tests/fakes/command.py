"""`python -m vton.preprocess` with the taught fakes: python tests/fakes/command.py TAUGHT.npz ROOT --out DIR [...]."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fakes.taught import Taught, detectors
from vton.preprocess.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], detectors(Taught.load(Path(sys.argv[1])))))
