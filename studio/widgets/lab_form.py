"""The form that takes one's own photos: two places, maps of one's own, and what is missing to prepare them."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

import streamlit as st
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from db import datasets
from studio import jobs, uploads
from studio.jobs import JobError
from studio.uploads import Known, Photo, UploadFault
from studio.widgets.frame import Frame
from vton.pairs import MAX_BYTES, Pair

PICTURES, MEGABYTES = ["jpg", "jpeg", "png", "webp"], MAX_BYTES // 1_000_000
LIMITS = f"JPEG, PNG or WebP of at most {MEGABYTES} MB, the person from the front, the garment on a plain background."
OWN = {"parse": ("Parse", ["png"]), "keypoints": ("Keypoints", ["json"]), "cloth_mask": ("Garment mask", ["png", "jpg"])}
EARLIER = 5  # uploads that are listed
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 0.2, 1.0  # for how long the form waits for a look, and when it asks again
CALLED = {"keypoints": "Keypoints", "parse": "Parse", "densepose": "DensePose", "cloth-mask": "Garment mask"}
WITHOUT = {  # what a stage that cannot be made means for the try-on
    "keypoints": "Without keypoints a new person cannot be dressed; keypoints of your own can be given.",
    "parse": "Without a parse a new person cannot be dressed; a parse of your own can be given.",
    "densepose": "Without DensePose the geometric try-on works all the same; a trained warp needs it.",
    "cloth-mask": "Garments on a white background are then cut out by a plain threshold; a mask of your own can be given.",
}

_looking = ThreadPoolExecutor(1, thread_name_prefix="detectors")


def upload_form(chosen: Frame, pair: Pair | None) -> None:
    """Two places for photos, maps of one's own, and the start.

    A place stands for the pair's own photo only where that is said: one that is empty may have a photo on its way, of which the
    server knows nothing yet. A photo runs only the form anew: a run of the whole page drops the answer that a second photo,
    chosen just then, waits for.
    """
    st.fragment(_form)(chosen, pair)


def _form(chosen: Frame, pair: Pair | None) -> None:
    known = _known(chosen, pair)
    st.caption(LIMITS)
    left, right = st.columns(2)
    sent, taken = set(), {}
    for column, kind, word in ((left, "image", "Person"), (right, "cloth", "Garment")):
        place = column.container()
        if kind in known and column.checkbox(f"Take {known[kind].stem} of this dataset", key=f"take_{kind}"):
            taken[kind] = known[kind]
        if place.file_uploader(word, PICTURES, key=f"upload_{kind}", max_upload_size=MEGABYTES, disabled=kind in taken):
            sent.add(kind)
    with st.expander("Maps of your own (optional)"):
        st.caption("In VITON-HD's formats: a parse is a PNG of class ids 0-19, keypoints are OpenPose's JSON.")
        for column, (kind, (word, endings)) in zip(st.columns(3), OWN.items(), strict=True):
            column.file_uploader(word, endings, key=f"own_{kind}", max_upload_size=MEGABYTES)
    say_what_is_lacking()
    if st.button(
        "Prepare and try on",
        type="primary",
        icon=":material/upload:",
        key="upload_start",
        disabled=not sent - taken.keys() or not {"image", "cloth"} <= sent | taken.keys(),
        help="It waits until both photos have arrived, or one is taken of the dataset.",
    ):
        with st.spinner("Taking the photos in"):
            _start(chosen, taken)
    _earlier(chosen)


def _earlier(chosen: Frame) -> None:
    """The newest uploads, each a link to its way and its try-on."""
    newest = uploads.list_uploads(chosen.workspace)[:EARLIER]
    if newest:
        line = st.container(horizontal=True, vertical_alignment="center")
        line.caption("Before:", width="content")
        for upload in newest:
            words = f"{upload.pair.person} in {upload.pair.cloth}"
            if line.button(words, key=f"earlier_{upload.id}", type="tertiary"):
                _open(upload.id)


def _open(identity: str) -> None:
    """Go to an upload's own address."""
    st.query_params["upload"] = identity
    st.rerun()


def _known(chosen: Frame, pair: Pair | None) -> dict[str, Known]:
    """The pair's photos in the frame's dataset, by kind; what can be taken in the place of an upload."""
    if pair is None or chosen.dataset is None or chosen.split is None:
        return {}
    with chosen.workspace.database.read() as session:
        found = datasets.items(session, chosen.dataset.id, chosen.split, {pair.person, pair.cloth})
        maps = {stem: dict(row.maps) for stem, row in found.items()}
    stems = {"image": pair.person, "cloth": pair.cloth}
    return {
        kind: uploads.known(chosen.workspace, chosen.dataset, chosen.split, stem, maps[stem])
        for kind, stem in stems.items()
        if kind in maps.get(stem, {})
    }


@st.cache_resource(ttl=10, show_spinner=False)
def _look() -> "Future[dict[str, str]]":
    return _looking.submit(uploads.lacking)


def _lacking() -> dict[str, str] | None:
    """What cannot be made here, by stage; None while that is being found out, which at first means loading torch."""
    look = _look()
    return look.result() if wait([look], LOOK_SECONDS).done else None


def say_what_is_lacking() -> None:
    """Which stages cannot be made here, what to type, and what goes on without; it may come later than what is around it."""
    st.fragment(_say_lacking, run_every=LOOK_AGAIN_SECONDS if _lacking() is None else None)()


def _say_lacking() -> None:
    missing = _lacking()
    if missing is None:
        st.caption("Looking which detectors are here")
    if not missing:
        return
    with st.container(border=True):
        st.markdown("**Not every detector is here yet.** Nothing is downloaded by itself:")
        for name, steps in missing.items():
            st.markdown(f"- {CALLED[name]}: type {steps}. {WITHOUT[name]}")


def _start(chosen: Frame, taken: Mapping[str, Known]) -> None:
    """Keep the photos, start the job, and go to the upload's own address; or say why not."""
    person, cloth = (taken.get(kind) or _sent(f"upload_{kind}") for kind in ("image", "cloth"))
    own = {kind: sent for kind in OWN if (sent := _sent(f"own_{kind}"))}
    if person is None or cloth is None:
        st.error(
            "A person and a garment are needed, and one has not arrived: upload it, or take the dataset's.",
            icon=":material/error:",
        )
        return
    lost = [word for kind, (word, _) in OWN.items() if isinstance(st.session_state.get(f"own_{kind}"), DeletedFile)]
    if lost:
        st.error(
            f"The studio was restarted and no longer has your {' and '.join(lost).lower()}: upload it again, or take it out.",
            icon=":material/error:",
        )
        return
    try:
        upload = uploads.add_upload(chosen.workspace, person, cloth, own)
        jobs.start_preprocess(chosen.workspace, upload)
    except (UploadFault, JobError) as error:
        st.error(str(error), icon=":material/error:")
        return
    _open(upload.id)


def _sent(key: str) -> Photo | None:
    """What was uploaded; None also where a restarted server has it no more."""
    file = st.session_state.get(key)
    return Photo(file.name, file.getvalue()) if isinstance(file, UploadedFile) else None
