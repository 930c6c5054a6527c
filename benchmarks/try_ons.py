"""Try-ons of drawn pairs for the benchmark of diffusions: ways to make a picture of a pair, measured against the true photo."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.kept import Kept
from benchmarks.likeness import feature_means, frechet, likeness
from benchmarks.truth import summary
from vton import conditions as condition_files
from vton.conditions import Conditions
from vton.fill import shown_skin
from vton.geometric import Warped, geometric_warp
from vton.images import letterbox, read_image, to_image, to_tensor, unletterbox, write_image
from vton.labels import ParseClass
from vton.pairs import Pair, Split
from vton.paste import paste_back
from vton.progress import track
from vton.sampling import Sampling
from vton.train.losses import Features
from vton.truth import read_truth
from vton.tryon import Diffusion, try_on
from vton.warps import Warp

LOOKED_AT = 100  # pairs, of which a row of pictures is kept
NOISE = 0  # seed of the sampling
PHOTO = "photo"
BEGUN = "what diffusion begins with"

Figures = dict[str, dict[str, tuple[float, float, float]]]  # way -> figure -> its mean over the pairs and the 95% interval


@dataclass(frozen=True)
class Bench:
    """What is measured, on which pairs, and where what is found is kept."""

    split: Split
    warp: Warp
    diffusion: Diffusion
    features: Features
    keep: Path

    def quality(self, pairs: Sequence[Pair]) -> Figures:
        """The checkpoint as it is sampled by default, and what it is compared with."""
        kept = Kept(self.keep / f"quality {told(self.diffusion.sampling)}.jsonl")
        for pair in track(_left(pairs, kept), len(_left(pairs, kept)), "quality"):
            seen, photo = self._read(pair)
            made = self._ways(pair, seen, photo)
            mask, found = seen.agnostic_mask, {}
            for way, picture in made.items():
                means = feature_means(picture, mask, self.features)
                found[way] = likeness(picture, photo, mask, self.features) | {"means": means}
            kept.add({"pair": pair.name, "ways": found})
            if pair in pairs[:LOOKED_AT]:
                row = [seen.image, letterbox(seen.cloth, seen.size, value=1.0), *made.values()]
                write_image(self.keep / "pictures" / f"{pair.name}.jpg", np.hstack([to_image(x) for x in row]))
        return _figures(kept, pairs)

    def sampled(self, name: str, samplings: Mapping[str, Sampling], pairs: Sequence[Pair]) -> Figures:
        """The checkpoint as it is sampled in several ways; `name` is that of the table."""
        kept = Kept(self.keep / f"{name}.jsonl")
        for pair in track(_left(pairs, kept), len(_left(pairs, kept)), name.split()[0]):
            seen, photo = self._read(pair)
            begun, found = try_on(seen, self.warp, refined=True), {}
            for way, sampling in samplings.items():
                start = time.perf_counter()
                (made,) = replace(self.diffusion, sampling=sampling).refine([begun], [seen], [pair.name], NOISE)
                taken = time.perf_counter() - start
                found[way] = likeness(made.image, photo, seen.agnostic_mask, self.features) | {"seconds": taken}
            kept.add({"pair": pair.name, "ways": found})
        return _figures(kept, pairs)

    def seconds(self, pairs: Sequence[Pair]) -> dict[str, list[float]]:
        """Per stage, and in all, the seconds from conditions to picture; the first pair warms up and is left out."""
        taken: dict[str, list[float]] = {}
        for i, pair in enumerate(track(list(pairs), len(pairs), "time")):
            seen, _ = self._read(pair)
            begun = try_on(seen, self.warp, refined=True)
            (made,) = self.diffusion.refine([begun], [seen], [pair.name], NOISE)
            for stage, seconds in (made.seconds | {"all": sum(made.seconds.values())} if i else {}).items():
                taken.setdefault(stage, []).append(seconds)
        return taken

    def _read(self, pair: Pair) -> tuple[Conditions, Tensor]:
        """A pair's conditions and its true photo."""
        return condition_files.read(self.split, pair), to_tensor(read_image(self.split.need("truth", pair.name)))

    def _ways(self, pair: Pair, seen: Conditions, photo: Tensor) -> dict[str, Tensor]:
        """The pictures (1, 3, H, W) of a pair by way, the true photo last."""
        begun, truth = try_on(seen, self.warp), read_truth(self.split, pair)
        assert truth is not None
        (made,) = self.diffusion.refine([begun], [seen], [pair.name], NOISE)
        (decoded,) = replace(self.diffusion, detail=0.0).refine([begun], [seen], [pair.name], NOISE)
        return {
            "geometric composite": skin_filled(seen, geometric_warp(seen)),
            "learned composite": skin_filled(seen, begun.warped),
            "true flow's composite": skin_filled(seen, truth.warp(seen)),
            BEGUN: begun.composite,
            "learned, filled in": begun.image,
            "diffusion, as decoded": decoded.image,
            "diffusion": made.image,
            "VAE's own": self._reconstructed(seen, photo),
            PHOTO: photo,
        }

    @torch.no_grad()
    def _reconstructed(self, seen: Conditions, photo: Tensor) -> Tensor:
        """The true photo as the VAE gives it back, pasted into the person's."""
        vae, size = self.diffusion.vae, self.diffusion.network.config.size
        shown = vae.decode(vae.encode(letterbox(photo, size).to(self.diffusion.device)).mean).cpu()
        return paste_back(unletterbox(shown, seen.size).clamp(-1, 1), seen)


def skin_filled(seen: Conditions, warped: Warped) -> Tensor:
    """The composite (1, 3, H, W) whose bare regions have the mean colour of the skin that the photo shows, face and all."""
    image, parse = to_image(seen.image), seen.parse[0].numpy()
    skin = (shown_skin(image, parse) | (parse == ParseClass.FACE)) & (seen.agnostic_mask[0, 0].numpy() == 0)
    colour = seen.image[0, :, torch.from_numpy(skin)].mean(1) if skin.any() else torch.zeros(3)
    worn = warped.mask * seen.agnostic_mask
    bare = seen.agnostic + (seen.agnostic_mask - worn) * colour[None, :, None, None]
    return bare * (1 - worn) + warped.cloth * worn


def told(sampling: Sampling) -> str:
    """A sampling in a few words, as part of a file's name."""
    return f"{sampling.sampler} {sampling.steps}, {shared(sampling)}"


def shared(sampling: Sampling) -> str:
    """What of a sampling is neither sampler nor steps."""
    mirrored = ", mirrored too" if sampling.mirror else ""
    return f"guidance {sampling.guidance:g}, strength {sampling.strength:g}, eta {sampling.eta:g}{mirrored}"


def _left(pairs: Sequence[Pair], kept: Kept) -> list[Pair]:
    """The pairs of which nothing is kept yet."""
    done = {line["pair"] for line in kept.lines}
    return [pair for pair in pairs if pair.name not in done]


def _figures(kept: Kept, pairs: Sequence[Pair]) -> Figures:
    """Per way its figures over the pairs; the Fréchet distances have no interval."""
    names = {pair.name for pair in pairs}
    lines = [line["ways"] for line in kept.lines if line["pair"] in names]
    found: Figures = {}
    for way in lines[0]:
        values = {name: [line[way][name] for line in lines] for name in lines[0][way] if name != "means"}
        found[way] = summary(values, ("seconds",) if "seconds" in values else ())
        for i, name in enumerate(("frechet", "frechet_inside") if "means" in lines[0][way] else ()):
            away = frechet([line[way]["means"][i] for line in lines], [line[PHOTO]["means"][i] for line in lines])
            found[way][name] = (away, away, away)
    return found
