"""python -m studio: open the workspace and serve the studio; or check it, take folders in, and write tables out."""

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from studio import leaderboard_command, preference_command, study_command
from studio.settings import ROOT, Settings, get_settings

if TYPE_CHECKING:
    from studio.workspace import Workspace

HOST = "127.0.0.1"
INTERRUPTED = 130
EXAMPLE = """examples:
  python -m studio --workspace ~/try-ons --port 8502
  python -m studio add-dataset ~/VITON-HD
  python -m studio import-run ~/other-model/run --name "Other model"
  python -m studio study --name "First" --dataset VITON-HD --runs ours theirs --pairs 200
  python -m studio leaderboard --study "First" --axis overall
  python -m studio export --study "First" --format jsonl
  python -m studio import-preferences study.jsonl
  python -m studio export ratings --out ratings.csv
  python -m studio export verdicts --dataset VITON-HD --out verdicts.jsonl
  python -m studio export passed --dataset VITON-HD --split test --out passed_pairs.txt"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--workspace", type=Path, default=argparse.SUPPRESS, help="the folder with database and runs")
    layout = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("python -m studio", None, __doc__, EXAMPLE, [where], layout)
    top.add_argument("--port", type=int, help="where the browser finds it (8501)")
    top.add_argument("--no-browser", action="store_true", help="do not open a browser")
    verbs = top.add_subparsers(
        dest="verb",
        metavar="doctor | import-run | add-dataset | remove-dataset | study | leaderboard | raters | export | "
        "import-preferences",
    )

    def verb(name: str, what: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=what, description=what, epilog=EXAMPLE, parents=[where], formatter_class=layout)

    verb("doctor", "say what is here and what is wrong; exit 1 when something is")
    taken = verb("import-run", "take a run folder in, from wherever it comes; with --dataset, a folder of pictures")
    taken.add_argument("folder", metavar="RUN_DIR")
    taken.add_argument("--name", help="its name in the studio (the folder's)")
    taken.add_argument("--dataset", metavar="NAME", help="copy a folder of pictures that are named for this dataset's pairs")
    taken.add_argument("--split", default="test", help="of that dataset (test)")
    added = verb("add-dataset", "make a dataset known by its folder; it is only read")
    added.add_argument("folder", metavar="ROOT")
    added.add_argument("--name", help="its name in the studio (the folder's)")
    removed = verb("remove-dataset", "forget a dataset; its folder, its runs and the repairs made by hand stay")
    removed.add_argument("name", metavar="NAME", help="as Home shows it")
    removed.add_argument("--with-repairs", action="store_true", help="delete the repairs made by hand too")
    study_command.add_arguments(verb("study", "make a blind pairwise study of two or more runs"))
    study_command.add_rater_arguments(verb("raters", "say how a study's raters answer: pace, known items, agreement, flags"))
    leaderboard_command.add_arguments(verb("leaderboard", "rank the runs of a study by what people voted"))
    preference_command.add_import_arguments(verb("import-preferences", "take in a study that was exported as JSONL"))
    export = verb(
        "export",
        "write people's preferences of a study (--study, --format), ratings or verdicts as a table (CSV, or JSONL by the "
        "file's ending), or the pairs that passed",
    )
    export.add_argument("table", nargs="?", choices=["ratings", "verdicts", "passed"])
    preference_command.add_arguments(export)
    export.add_argument("--dataset", metavar="NAME", help="whose verdicts (all); needed for the pairs that passed")
    export.add_argument("--split", default="test", help="of the pairs that passed (test)")
    export.add_argument("--out", type=Path, help="the file to write (standard output); of a study: a new folder for a copy")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what is wrong is said in one sentence, with exit code 1."""
    given = parser().parse_args(arguments)
    if "workspace" in given:
        os.environ["VTON_STUDIO_WORKSPACE"] = str(given.workspace.expanduser().absolute())
    if given.port is not None:
        os.environ["VTON_STUDIO_PORT"] = str(given.port)
    get_settings.cache_clear()
    try:
        settings = get_settings()
    except ValidationError as error:
        fault = error.errors()[0]
        return complain(f"The setting {'.'.join(map(str, fault['loc']))} is {fault['input']!r}: {fault['msg']}.")
    from studio.importer import ImportFault
    from studio.workspace import WorkspaceError
    from vton.errors import VtonError

    try:
        return serve(settings, given.no_browser) if given.verb is None else run_verb(given)
    except (WorkspaceError, ImportFault, VtonError) as error:
        return complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED


def complain(sentence: str) -> int:
    """Say what is wrong; the exit code that goes with it."""
    print(sentence, file=sys.stderr)
    return 1


def run_verb(given: argparse.Namespace) -> int:
    """One of the commands that end by themselves."""
    from studio import doctor
    from studio.importer import add_dataset, already_known, import_run, known_dataset, known_run
    from studio.workspace import workspace

    if given.verb == "doctor":
        return doctor.examine(workspace())
    if given.verb == "import-run" and given.dataset is not None:
        return take_pictures(workspace(), given)
    if given.verb == "import-run":
        known_before = known_run(workspace(), given.folder)
        run = import_run(workspace(), given.folder, given.name)
        print(already_known(run.folder, run.name) if known_before else f"Took in the run {run.name!r}.")
    elif given.verb == "add-dataset":
        added_before = known_dataset(workspace(), given.folder)
        dataset = add_dataset(workspace(), given.folder, given.name)
        print(already_known(dataset.root, dataset.name) if added_before else f"Added the dataset {dataset.name!r}.")
    elif given.verb == "remove-dataset":
        return forget_dataset(workspace(), given)
    elif given.verb == "study":
        return study_command.run(workspace(), given)
    elif given.verb == "leaderboard":
        return leaderboard_command.run(workspace(), given)
    elif given.verb == "raters":
        return study_command.raters(workspace(), given)
    elif given.verb == "import-preferences":
        return preference_command.take_in(workspace(), given)
    elif given.verb == "export" and (given.table is None) == (given.study is None):
        return complain("Say what to export: a study's preferences by --study NAME, or one of ratings, verdicts, passed.")
    elif given.verb == "export" and given.table is None:
        return preference_command.run(workspace(), given)
    else:
        return write_out(workspace(), given)
    return 0


def take_pictures(opened: "Workspace", given: argparse.Namespace) -> int:
    """A folder of another method's pictures becomes a run; what is left out of it is said."""
    from db import datasets
    from studio.foreign import import_pictures

    with opened.database.read() as session:
        dataset = datasets.by_name(session, given.dataset)
    if dataset is None:
        return complain(f"There is no dataset called {given.dataset!r}; give a name that Home shows.")
    run, left = import_pictures(opened, Path(given.folder).expanduser().absolute(), dataset, given.split, given.name)
    without = f" Left out, named for no pair: {', '.join(left[:3])}{', ...' if len(left) > 3 else ''}." if left else ""
    print(f"Took in the run {run.name!r}.{without}")
    return 0


def forget_dataset(opened: "Workspace", given: argparse.Namespace) -> int:
    """Remove a dataset from the studio, and say where what was repaired of it lies."""
    from db import datasets
    from studio.removal import belongings, remove_dataset

    with opened.database.read() as session:
        dataset = datasets.by_name(session, given.name)
    if dataset is None:
        return complain(f"There is no dataset called {given.name!r}; give a name that Home shows.")
    has = belongings(opened, dataset)
    remove_dataset(opened, dataset, given.with_repairs)
    stays = (
        f" The repairs of {has.repaired} of its items stay in {has.repairs}." if has.repaired and not given.with_repairs else ""
    )
    print(f"Removed the dataset {dataset.name!r}; its folder {dataset.root} is as it was.{stays}")
    return 0


def write_out(opened: "Workspace", given: argparse.Namespace) -> int:
    """Write what `export` was asked for to its file or to standard output."""
    from db import datasets
    from studio.widgets.exports import ratings_csv, verdicts_csv, verdicts_jsonl
    from studio.widgets.passed import passed_pairs
    from studio.widgets.qa_list import read_board

    with opened.database.read() as session:
        dataset = datasets.by_name(session, given.dataset) if given.dataset else None
    if dataset is None and (given.dataset or given.table == "passed"):
        named = f"There is no dataset called {given.dataset!r}" if given.dataset else "Whose pairs is not said"
        return complain(f"{named}; give a name that Home shows with --dataset.")
    if given.table == "ratings":
        text = ratings_csv(opened)
    elif given.table == "passed":
        assert dataset is not None
        text = passed_pairs(read_board(opened, dataset, given.split))
    else:
        jsonl = given.out is not None and given.out.suffix == ".jsonl"
        text = verdicts_jsonl(opened, dataset) if jsonl else verdicts_csv(opened, dataset)
    if given.out is None:
        sys.stdout.write(text)
        return 0
    try:
        given.out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        return complain(f"{given.out} cannot be written: {error.strerror}.")
    print(f"Wrote {given.out}.")
    return 0


def serve(settings: Settings, no_browser: bool) -> int:
    """Serve the studio until it is told to stop."""
    busy = port_fault(settings.port)
    if busy:
        return complain(busy)
    from studio.firststart import begin
    from studio.workspace import workspace

    begin(workspace())
    os.chdir(ROOT)  # where .streamlit/config.toml is found
    from studio.server import app

    screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    app.run(config={"server.port": settings.port, "server.headless": bool(no_browser or not screen)})
    return INTERRUPTED  # it ends by a signal alone; one that comes early may be swallowed on the way


def port_fault(port: int) -> str:
    """Why the studio can't listen on a port, empty when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return f"Port {port} cannot be used ({error.strerror}); give another one with --port."
    return ""


if __name__ == "__main__":
    sys.exit(main())
