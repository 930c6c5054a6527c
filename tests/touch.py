"""A tablet, and fingers on it."""

from collections.abc import Callable

from playwright.sync_api import Locator, Page

TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True, "is_mobile": True}
Place = tuple[float, float]


def fingers(page: Page, *paths: tuple[Place, Place]) -> None:
    """Each finger moves from one place to another, all at once."""
    device = page.context.new_cdp_session(page)

    def at(share: float, kind: str) -> None:
        places = [{"id": n, **{c: a[i] + share * (b[i] - a[i]) for i, c in enumerate("xy")}} for n, (a, b) in enumerate(paths)]
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        page.wait_for_timeout(16)

    at(0, "touchStart")
    for step in range(1, 11):
        at(step / 10, "touchMove")
    device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def tap_until(place: Locator, seen: Callable[[], None], most: int = 6) -> None:
    """Tap there, and again where nothing came of it: on a busy machine a tap may last so long that it is a long press."""
    for tried in range(most):
        place.tap()
        try:
            return seen()
        except AssertionError:
            if tried == most - 1:
                raise
