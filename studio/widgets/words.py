"""Times and amounts in plain words."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """About how long, in the two units that matter: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        minutes, rest = divmod(whole, MINUTE)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole, HOUR)
    return f"{hours} h {rest // MINUTE} min" if rest // MINUTE else f"{hours} h"


def ago(moment: datetime) -> str:
    """How long ago a moment was: "just now", "5 min ago", a date when it is longer."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < DAY:
        return f"{duration(seconds - seconds % MINUTE)} ago"
    return f"{moment.astimezone():%-d %B %Y}"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: "1 pair", "1,024 pairs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


METRIC_WORDS = {
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "psnr": "PSNR, dB",
    "lpips": "LPIPS",
    "fid": "FID",
    "kid": "KID",
}
WHERE = {"_inside": ", inside the mask", "_box": ", box around the mask"}


def metric_label(name: str) -> str:
    """A metric's name as people write it; one that is not known stays as it is."""
    for ending, words in WHERE.items():
        if name.endswith(ending) and name.removesuffix(ending) in METRIC_WORDS:
            return METRIC_WORDS[name.removesuffix(ending)] + words
    return METRIC_WORDS.get(name, name)
