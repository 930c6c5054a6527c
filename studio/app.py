"""The entry script: page settings, the frame, and the page that the reader asked for."""

from pathlib import Path

import streamlit as st

from studio.pauses import settle
from studio.widgets.frame import draw_frame
from studio.widgets.page import follow, stop_with
from studio.workspace import WorkspaceError

PAGES = Path(__file__).parents[1] / "pages"
WIDGETS = Path(__file__).parent / "widgets"


def main() -> None:
    """Draw one page in its frame."""
    settle()
    st.set_page_config(page_title="VTON Studio", page_icon=str(WIDGETS / "icon.svg"), layout="wide")
    st.html(WIDGETS / "studio.css")
    page = st.navigation(
        [
            st.Page(PAGES / "home.py", title="Home", icon=":material/home:", url_path="home", default=True),
            st.Page(PAGES / "browse.py", title="Browse", icon=":material/grid_view:", url_path="browse"),
            st.Page(PAGES / "doctor.py", title="Doctor", icon=":material/stethoscope:", url_path="doctor"),
            st.Page(PAGES / "qa.py", title="QA", icon=":material/rule:", url_path="qa"),
            st.Page(PAGES / "lab.py", title="Try-on lab", icon=":material/science:", url_path="lab"),
            st.Page(PAGES / "warp.py", title="Warp", icon=":material/conversion_path:", url_path="warp"),
            st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare:", url_path="compare"),
            st.Page(PAGES / "studies.py", title="Studies", icon=":material/how_to_vote:", url_path="studies"),
            st.Page(PAGES / "rate.py", title="Rate", icon=":material/star_rate:", url_path="rate"),
            st.Page(PAGES / "leaderboard.py", title="Leaderboard", icon=":material/leaderboard:", url_path="leaderboard"),
            st.Page(PAGES / "raters.py", title="Raters", icon=":material/groups:", url_path="raters"),
            st.Page(PAGES / "review.py", title="Review", icon=":material/fact_check:", url_path="review"),
            st.Page(PAGES / "runs.py", title="Runs", icon=":material/play_circle:", url_path="runs"),
            st.Page(PAGES / "exports.py", title="Exports", icon=":material/archive:", url_path="exports"),
        ],
        expanded=True,
    )
    try:
        draw_frame()
    except WorkspaceError as error:
        stop_with(str(error))
    follow()
    st.session_state["arrived"] = st.session_state.get("on_page") != page.url_path
    st.session_state["on_page"] = page.url_path
    page.run()


if __name__ == "__main__":  # the try-on's worker process imports this file under another name, and must not draw it
    main()
