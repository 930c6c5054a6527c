"""The outbox that QA and Rate share, on its own in a real browser with a clock that the test moves."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page

from studio.settings import ROOT

pytestmark = pytest.mark.browser

MINE = """() => {
  globalThis.posts = [];
  globalThis.outbox = new Outbox("place", () => posts.push(performance.now()));
  setInterval(() => outbox.resend(), 500);
  outbox.put({});
}"""


def test_an_answer_is_sent_again_ever_later_until_python_is_heard(page: Page) -> None:
    page.clock.install()
    page.add_script_tag(path=ROOT / "studio" / "widgets" / "outbox.js")
    page.evaluate(MINE)
    page.clock.run_for(120_000)
    waits = [after - before for before, after in pairwise(page.evaluate("posts"))]
    assert waits[:3] == pytest.approx([2500, 5000, 6000], abs=600)
    assert waits[3:] == pytest.approx([6000] * len(waits[3:]), abs=600) and len(waits) > 15

    page.evaluate("() => { posts.length = 0; outbox.settle([]); outbox.resume(); }")
    page.clock.run_for(9000)
    first, second, third = page.evaluate("posts")
    assert (second - first, third - second) == pytest.approx((2500, 5000), abs=600)
