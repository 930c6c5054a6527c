"""The stages of the chain: what each is called, how far it is, and what is lost where its detector is missing."""

from dataclasses import dataclass

PHOTOS, CHECKS = "photos", "checks"  # the first stage and the last
TITLES = {
    PHOTOS: "Photos",
    "keypoints": "Keypoints",
    "densepose": "DensePose",
    "parse": "Parse",
    "cloth-mask": "Garment masks",
    "agnostic": "Agnostic",
    CHECKS: "Checks",
}
LOST = {  # what goes on without a detector, and what does not
    "keypoints": "Without keypoints no garment can be put on these people.",
    "densepose": "The geometric try-on does not need it; a trained warp does, and refuses these people.",
    "parse": "Without a parse no garment can be put on these people.",
    "cloth-mask": "Garments on a white background are cut out by a plain threshold instead; others fail.",
}


@dataclass
class Stage:
    """How far one stage is; `state` is waiting, running, done, missing (no detector) or off (not asked for)."""

    name: str
    title: str
    state: str = "waiting"
    total: int = 0  # photos that the stage is about
    made: int = 0  # of them in this call
    failed: int = 0
    load_seconds: float = 0.0
    seconds: float = 0.0  # without loading
    by: str = ""  # which detector
    note: str = ""  # a sentence for people

    @property
    def field(self) -> str:
        """The stage's field of `Detectors`, which is its detector's method too."""
        return self.name.replace("-", "_")

    @property
    def summary(self) -> str:
        """What was made how fast, in a sentence."""
        speed = f"{self.made / max(self.seconds, 1e-9):.2f} a second"
        loaded = f", after {self.load_seconds:.1f} s of loading" if self.load_seconds >= 0.05 else ""
        return f"{self.title}: {self.made} in {self.seconds:.1f} s, {speed}{loaded}."
