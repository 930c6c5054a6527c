"""By what a try-on is made, chosen: the warp, the diffusion and its settings, at first as the checkpoint has them."""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from db.models import Dataset
from studio.checkpoints import GEOMETRIC, NONE, Checkpoint, is_drawn, list_checkpoints, list_diffusions
from studio.how import MOST_STEPS, SAMPLER_WORDS, How, default_how, own_sampling
from studio.workspace import Workspace
from vton.sampling import SAMPLERS, Sampling

SETTINGS = {"sampler": str, "steps": int, "guidance": float, "strength": float, "eta": float, "mirror": int}
FIELDS = ("warp", "diffusion", *SETTINGS, "seed")
LEAST_STRENGTH, MOST_GUIDANCE = 0.05, 20.0
NEW_SEEDS, MOST_SEED = 1_000_000, 2**31 - 1


@dataclass(frozen=True)
class Offer:
    """What a try-on of a split can be made by, by name."""

    warps: Mapping[str, Checkpoint]
    diffusions: Mapping[str, Checkpoint]
    drawn: bool  # whether the split is of drawn people

    @property
    def defaults(self) -> How:
        """What is taken where nobody chose."""
        return default_how(list(self.warps.values()), list(self.diffusions.values()), self.drawn)


def offer_for(workspace: Workspace, dataset: Dataset, split: str) -> Offer:
    """Every warp and diffusion that can be read."""
    warps = {one.name: one for one in list_checkpoints(workspace) if one.info}
    diffusions = {one.name: one for one in list_diffusions(workspace) if one.info}
    return Offer(warps, diffusions, is_drawn(dataset.root, split))


def settle(prefix: str, offer: Offer, told: Mapping[str, str] | None = None) -> None:
    """Fill in what is not chosen, as it is `told` (of an address) or else by default; another kind of people begins anew."""
    state, told = st.session_state, told or {}
    if told or state.get(f"{prefix}_drawn") != offer.drawn:
        for name in FIELDS:
            state.pop(f"{prefix}_{name}", None)
    state[f"{prefix}_drawn"] = offer.drawn
    first = {name: given for name, text in told.items() if (given := _read(name, text, offer)) is not None}
    defaults = offer.defaults
    _fill(prefix, "warp", [GEOMETRIC, *offer.warps], first, defaults.warp.name if defaults.warp else GEOMETRIC)
    _fill(prefix, "diffusion", [NONE, *offer.diffusions], first, defaults.diffusion.name if defaults.diffusion else NONE)
    own = own_sampling(offer.diffusions.get(state[f"{prefix}_diffusion"]))
    for name, value in asdict(own).items():
        state.setdefault(f"{prefix}_{name}", first.get(name, min(value, MOST_STEPS) if name == "steps" else value))
    state.setdefault(f"{prefix}_seed", first.get("seed", 0))


def _fill(prefix: str, name: str, offered: list[str], first: Mapping[str, Any], default: str) -> None:
    """A choice among names; one that is not offered any more is chosen anew."""
    if st.session_state.get(f"{prefix}_{name}") not in offered:
        st.session_state[f"{prefix}_{name}"] = first.get(name, default)


def _read(name: str, text: str, offer: Offer) -> Any:
    """A word of an address as a value that its widget can have; None where it makes no sense."""
    known = {"warp": (GEOMETRIC, *offer.warps), "diffusion": (NONE, *offer.diffusions), "sampler": SAMPLERS}
    if name in known:
        return text if text in known[name] else None
    ranges = {
        "steps": (1, MOST_STEPS), "guidance": (0.0, MOST_GUIDANCE), "strength": (LEAST_STRENGTH, 1.0), "eta": (0.0, 1.0),
        "mirror": (0, 1), "seed": (0, MOST_SEED),
    }  # fmt: skip
    try:
        value = SETTINGS.get(name, int)(text)
    except ValueError:
        return None
    least, most = ranges[name]
    if not least <= value <= most:
        return None
    return bool(value) if name == "mirror" else value


def chosen_how(prefix: str, offer: Offer) -> How:
    """What is chosen now; a click may come with the last change of a field."""
    state = st.session_state
    sampler = state[f"{prefix}_sampler"]
    sampling = Sampling(
        sampler=sampler,
        steps=int(state[f"{prefix}_steps"]),
        guidance=round(float(state[f"{prefix}_guidance"]), 4),
        strength=round(float(state[f"{prefix}_strength"]), 4),
        eta=round(float(state[f"{prefix}_eta"]), 4) if sampler == "ddim" else 0.0,
        mirror=bool(state[f"{prefix}_mirror"]),
    )
    warp, diffusion = offer.warps.get(state[f"{prefix}_warp"]), offer.diffusions.get(state[f"{prefix}_diffusion"])
    return How(warp, diffusion, sampling, int(state[f"{prefix}_seed"]))


def address_of(how: How) -> dict[str, str]:
    """The words of an address that `settle` reads the same from."""
    words = {"warp": how.warp.name if how.warp else GEOMETRIC, "diffusion": how.diffusion.name if how.diffusion else NONE}
    if how.diffusion is None:
        return words
    settings = asdict(how.sampling) | {"seed": how.seed}
    return words | {name: f"{value:g}" if isinstance(value, float | bool) else str(value) for name, value in settings.items()}


def choose_warp(prefix: str, offer: Offer, **looks: Any) -> None:
    """The warp; asked only where there is one to choose."""
    if offer.warps:
        st.selectbox(
            "Warp",
            [GEOMETRIC, *offer.warps],
            key=f"{prefix}_warp",
            format_func=lambda name: "Geometric warp" if name == GEOMETRIC else name,
            persist_state="session",
            **looks,
        )


def choose_diffusion(prefix: str, offer: Offer, folded: bool = False) -> None:
    """The diffusion, what it was trained on or what it lacks, and its settings, which may be folded away."""
    st.selectbox(
        "Diffusion",
        [NONE, *offer.diffusions],
        key=f"{prefix}_diffusion",
        format_func=lambda name: "No diffusion" if name == NONE else name,
        persist_state="session",
        on_change=_begin_anew,
        args=(prefix,),
    )
    diffusion = offer.diffusions.get(st.session_state[f"{prefix}_diffusion"])
    if diffusion is None:
        return
    st.caption(diffusion.fault or diffusion.trained_on)
    with st.expander("Settings", key=f"{prefix}_settings") if folded else st.container():
        _choose_settings(prefix)


def _choose_settings(prefix: str) -> None:
    left, right = st.columns(2)
    kept: dict[str, Any] = {"persist_state": "session"}
    left.selectbox("Sampler", SAMPLERS, key=f"{prefix}_sampler", format_func=SAMPLER_WORDS.__getitem__, **kept)
    right.number_input("Steps", 1, MOST_STEPS, key=f"{prefix}_steps", help="Calls of the network a picture", **kept)
    left.number_input(
        "Guidance", 0.0, MOST_GUIDANCE, step=0.1, key=f"{prefix}_guidance",
        help="How far towards the garment; 1 is no guidance, and takes half the time", **kept,
    )  # fmt: skip
    right.number_input(
        "Strength", LEAST_STRENGTH, 1.0, step=0.05, key=f"{prefix}_strength",
        help="Of the noise on the composite: the more, the more is made anew", **kept,
    )  # fmt: skip
    if st.session_state[f"{prefix}_sampler"] == "ddim":
        left.number_input(
            "Eta", 0.0, 1.0, step=0.1, key=f"{prefix}_eta", help="Noise that DDIM adds on the way; 0 is none", **kept
        )
    left.toggle(
        "Mirror", key=f"{prefix}_mirror", help="The mean with what comes of the mirror image: less noise, in twice the time",
        **kept,
    )  # fmt: skip
    seed = right.container(horizontal=True, vertical_alignment="bottom")
    seed.number_input("Seed", 0, MOST_SEED, key=f"{prefix}_seed", help="Of the noise: the same one, the same picture", **kept)
    seed.button("", icon=":material/casino:", key=f"{prefix}_new_seed", help="A new seed", on_click=_draw_seed, args=(prefix,))


def _begin_anew(prefix: str) -> None:
    """Another checkpoint begins with its own settings."""
    for name in SETTINGS:
        st.session_state.pop(f"{prefix}_{name}", None)


def _draw_seed(prefix: str) -> None:
    st.session_state[f"{prefix}_seed"] = random.randrange(NEW_SEEDS)


def caution(how: How, drawn: bool) -> str:
    """What to expect of weights that meet pictures of another kind than they were trained on; "" of those that do not."""
    used = {"warp": how.warp, "diffusion": how.diffusion}
    strange = {what: one.name for what, one in used.items() if one and one.info and one.info.drawn != drawn}
    if not strange:
        return ""
    who, was = " and ".join(f"the {what} {name}" for what, name in strange.items()), "was" if len(strange) == 1 else "were"
    who = who[0].upper() + who[1:]
    if drawn:
        return f"{who} {was} trained on photos: on drawn people expect sleeves, edges and colours less exact than on photos."
    smears = " What the diffusion makes of it is smeared." if "diffusion" in strange else ""
    return (
        f"{who} {was} trained on drawn people: on photos expect the garment about in its place, but over the neck and ragged "
        f"beside the arms.{smears}"
    )
