"""By what a try-on is made: as a command takes it, in a name that no other way has, and in words that can be trusted."""

from dataclasses import replace
from pathlib import Path

import pytest

from studio.checkpoints import Checkpoint
from studio.how import How, made_by, names_of, settings_of
from vton.checkpoint_info import CheckpointInfo
from vton.generate import GenerateConfig
from vton.sampling import Sampling

OWN = Sampling(steps=20, guidance=1.5)
INFO = CheckpointInfo("diffusion", (256, 192), 10, True, "drawn pictures", True, 5, OWN, "abc")
WARP = Checkpoint("mine", Path("/w/mine"), 1, replace(INFO, kind="warp", sampling=None, vae=""))
DIFFUSION = Checkpoint("small", Path("/w/small"), 1, INFO, vae=Path("/w/small-vae"))


def test_the_options_are_those_of_a_run() -> None:
    assert How(WARP, sampling=OWN, seed=3).options == {"warp": "/w/mine", "diffusion": "none"}
    options = How(None, DIFFUSION, replace(OWN, steps=7), 3).options
    config = GenerateConfig(Path("set"), **(options | {"vae": Path(str(options["vae"]))}))  # type: ignore[arg-type]
    assert (config.warp, config.diffusion, config.vae) == ("geometric", "/w/small", Path("/w/small-vae"))
    assert Sampling(**config.asked) == replace(OWN, steps=7) and config.seed == 3


def test_every_way_of_making_has_a_key_of_its_own() -> None:
    one = How(None, DIFFUSION, OWN, 0)
    others = [replace(one, sampling=replace(OWN, **{name: value})) for name, value in
              (("sampler", "unipc"), ("steps", 21), ("guidance", 2.0), ("strength", 0.5), ("eta", 0.5),
               ("mirror", True))]  # fmt: skip
    others += [replace(one, seed=1), replace(one, warp=WARP), replace(one, diffusion=replace(DIFFUSION, changed_ns=2))]
    others += [How(WARP), How(replace(WARP, changed_ns=2)), How()]
    assert len({how.key for how in (one, *others)}) == len(others) + 1
    assert How().key == "" and How(seed=4).key == "", "a seed is a diffusion's"
    assert one.key == How(None, DIFFUSION, Sampling(steps=20, guidance=1.5)).key


def test_a_name_says_what_is_not_the_checkpoints_own() -> None:
    assert How().name == "" and How(WARP).name == "mine"
    assert How(WARP, DIFFUSION, OWN, 4).name == "mine, small, 20 steps, seed 4"
    assert How(None, DIFFUSION, replace(OWN, sampler="dpm++", strength=0.5)).name == (
        "small, DPM-Solver++, 20 steps, strength 0.5, seed 0"
    )
    twice = replace(OWN, mirror=True)
    assert How(None, DIFFUSION, twice).name == "small, 20 steps, seed 0, mirrored too"
    mirrored = replace(DIFFUSION, info=replace(INFO, sampling=twice))
    assert How(None, mirrored, twice).name == "small, 20 steps, seed 0"
    assert How(None, mirrored, OWN).name == "small, 20 steps, seed 0, not mirrored"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, ""),
        ({"warp": 3, "diffusion": ["x"]}, ""),
        ({"warp": {"name": "geometric"}, "diffusion": {"name": "none"}}, "Geometric warp, no diffusion"),
        ({"warp": "theirs", "diffusion": {"name": "big", "steps": 50}}, "Warp theirs, diffusion big, 50 steps"),
        (
            {"diffusion": {"name": "u", "sampler": "ddim", "steps": 1, "guidance": 2.5, "eta": 0.0, "seed": 7}},
            "diffusion u, DDIM, 1 step, guidance 2.5, seed 7",
        ),
    ],
)  # fmt: skip
def test_a_run_says_how_it_was_made_as_far_as_it_tells(config: dict[str, object], words: str) -> None:
    assert made_by(config) == words


def test_names_and_settings_are_told_apart() -> None:
    config = {"warp": {"name": "geometric"}, "diffusion": {"name": "u", "steps": 4, "seed": 1}}
    assert (names_of(config), settings_of(config)) == (("geometric", "u"), "4 steps, seed 1")
    assert (names_of({"warp": "theirs", "diffusion": None}), settings_of({})) == (("theirs", ""), "")
