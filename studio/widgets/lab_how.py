"""The lab's choice of warp, diffusion and settings, kept whole in its address."""

import streamlit as st

from studio import checkpoints
from studio.checkpoints import NONE
from studio.how import How
from studio.widgets.diffusion_choice import (
    FIELDS,
    Offer,
    address_of,
    caution,
    choose_diffusion,
    choose_warp,
    chosen_how,
    offer_for,
    settle,
)
from studio.widgets.frame import Frame

PREFIX = "lab"
TOLD = "lab_told"  # what the address said last, in the session


def offer_of(chosen: Frame) -> Offer:
    """What the frame's split can be tried on with."""
    assert chosen.dataset is not None and chosen.split is not None
    return offer_for(chosen.workspace, chosen.dataset, chosen.split)


def choose_how(chosen: Frame, offer: Offer) -> How:
    """The warp, and the diffusion with its settings behind a button; an address that says them is followed."""
    told = {name: st.query_params[name] for name in FIELDS if name in st.query_params}
    settle(PREFIX, offer, told if told != st.session_state.get(TOLD) else None)
    choose_warp(PREFIX, offer, label_visibility="collapsed", width=190)
    name = st.session_state[f"{PREFIX}_diffusion"]
    with st.popover(
        "No diffusion" if name == NONE else f"Diffusion {name}",
        icon=":material/blur_on:",
        key="lab_diffusion_settings",
        width="content",
    ):
        if offer.diffusions:
            choose_diffusion(PREFIX, offer)
        else:
            _how_to_get_one(chosen)
    how = chosen_how(PREFIX, offer)
    words = address_of(how)
    for name in FIELDS:
        if name not in words:
            st.query_params.pop(name, None)
    st.query_params.update(words)  # the address can be sent
    st.session_state[TOLD] = words
    return how


def say_how(how: How, offer: Offer) -> None:
    """By what the next try-on is made, why it cannot be, and what to expect of it."""
    if how.fault:
        st.error(how.fault, icon=":material/error:")
    told = caution(how, offer.drawn)
    if told:
        st.info(told, icon=":material/info:")


def _how_to_get_one(chosen: Frame) -> None:
    runs, home = chosen.workspace.settings.runs_dir, checkpoints.home(chosen.workspace)
    st.markdown("No diffusion yet: the try-on is the warped garment, and bare regions are filled. Train one:")
    root = chosen.dataset.root if chosen.dataset else "ROOT"
    st.code(
        f"python -m vton.train.vae --data {root} --preset demo --out {runs / 'vae'}\n"
        f"python -m vton.train.diffusion --data {root} --preset demo --vae {runs / 'vae'} --out {runs / 'diffusion'}",
        language="bash",
    )
    st.caption(f"Any checkpoint's folder that lies in {home} is listed here, too; its VAE lies beside it.")
