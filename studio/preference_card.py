"""The card of an exported preference dataset: what it is, how it was judged, how much of it there is."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from db import studies
from db.study_models import Study
from studio.preference_choice import Query


def card(
    session: Session,
    study: Study,
    query: Query,
    rows: Mapping[str, int],
    left_out: Mapping[str, int],
    pictures: Sequence[str],
    columns: Mapping[str, str],
) -> str:
    """README.md as dataset hubs read it: what is between the lines of dashes is YAML."""
    features = [f"  - name: {name}\n    dtype: image" for name in pictures]
    features += [f"  - name: {name}\n    dtype: {kind}" for name, kind in columns.items()]
    files = [f"  - split: {part}\n    path: data/{part}-*" for part in query.parts]
    members = studies.runs_of(session, study.id).values()
    raters = [row for row, _ in studies.rater_rows(session, study.id) if row.done and row.state != "excluded"]
    without = ", ".join(f"{number:,} {why}" for why, number in sorted(left_out.items())) or "none"
    axes = [query.axis] if query.axis else study.axes
    return "\n".join(
        [
            "---",
            "license: unknown  # fill in: the licences of the photos and of the models that made the results",
            "task_categories:\n- image-to-image",
            "tags:\n- virtual-try-on\n- preference",
            "dataset_info:\n  features:",
            *features,
            "configs:\n- config_name: default\n  data_files:",
            *files,
            "---",
            "",
            f"# {study.name}: preferred virtual try-ons",
            "",
            "Each row is a person, a garment and two try-ons of them, of which people preferred `chosen` to `rejected`.",
            "",
            "## How it was judged",
            "",
            f"- Asked: {' '.join(study.question.split())}",
            f"- On: {', '.join(axes)}",
            f"- Results of: {', '.join(members)}",
            f"- By {len(raters)} raters, blind and in pairs, sides drawn at random,"
            f" {study.raters_least} to {study.raters_most} of them a comparison.",
            "- `margin` is the share of the votes that are for `chosen`; `by` says whether votes decided or a reviewer",
            "  (`adjudication`).",
            "- Only comparisons on which raters agree by two votes, or that a reviewer decided."
            if query.only_agreed
            else "- Every comparison that most votes decide.",
            f"- Left out: {without}.",
            "",
            "## Rows",
            "",
            *(f"- {part}: {rows.get(part, 0):,}" for part in query.parts),
            *(["", "No person is in both parts."] if query.test_share else []),
            "",
            "## Licence",
            "",
            "To be filled in by who publishes it: the photos, the garments and the models have licences of their own, and the",
            "persons in the photos must have agreed.",
            "",
        ]
    )
