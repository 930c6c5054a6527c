"""python -m db: bring a database up to date, back it up, put a backup back."""

import argparse
import os
import sys
from pathlib import Path

from db.copies import backup, restore
from db.errors import DatabaseFault
from db.schema import upgrade

EXAMPLE = "example: python -m db backup studio-monday.db --url sqlite:///data/studio.db"


def default_url() -> str:
    """The studio's own database, as its settings name it in the environment."""
    workspace = os.environ.get("VTON_STUDIO_WORKSPACE") or Path(__file__).resolve().parents[1] / "data"
    return os.environ.get("VTON_STUDIO_DATABASE_URL") or f"sqlite:///{Path(workspace) / 'studio.db'}"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line as a namespace."""
    parser = argparse.ArgumentParser(prog="python -m db", description=__doc__, epilog=EXAMPLE)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, what in (
        ("upgrade", "apply the migrations that are missing"),
        ("backup", "write a copy to a new file; the studio may be running"),
        ("restore", "put a backup in the database's place, which is kept aside"),
    ):
        command = verbs.add_parser(verb, help=what, description=what, epilog=EXAMPLE)
        if verb != "upgrade":
            command.add_argument("file", type=Path, help="the backup")
        command.add_argument("--url", default=default_url(), help="sqlite:///FILE or postgresql://... (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 1 and a sentence when it can't be done."""
    given = parse(arguments)
    try:
        if given.verb == "upgrade":
            print("upgraded" if upgrade(given.url) else "already up to date")
        elif given.verb == "backup":
            backup(given.url, given.file)
            print(f"wrote {given.file}")
        else:
            kept = restore(given.url, given.file)
            print(f"restored {given.file}" + (f"; what was there is kept at {kept}" if kept else ""))
    except DatabaseFault as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
