import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from ...capture.importing import UnreadableFile, import_interactions
from ...conf import get_config
from .. import command

REASONS_SHOWN = 3
COLUMNS_HELP = """columns:
  shopper      who: an id of your own, kept as external id (with --users: a user's primary key); required
  occurred_at  when: ISO 8601, with an offset or in --timezone; kept to the second; required
  product      product_id of the catalog; required but for searches
  kind         view, search, save, add_to_cart, remove_from_cart, purchase (the default) or return
  quantity     a whole number from 1 (the default)
  query        what was searched for
  order        the number of the order of a purchase or return: its lines share their time, and lines of one product
               become one, if they stand together
"""


class Command(command.Command):
    help = "Import past interactions from CSV or Parquet files. Importing a file again adds nothing."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=COLUMNS_HELP, **kwargs)
        parser.formatter_class = _help_formatter(parser.formatter_class)
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", help="CSV or Parquet files (also .gz); - reads from stdin")
        parser.add_argument("--format", choices=["csv", "parquet"], default="", help="instead of the file's suffix")
        parser.add_argument("--timezone", default=settings.TIME_ZONE, help="of times without an offset (%(default)s)")
        parser.add_argument("--users", action="store_true", help="the shopper column holds primary keys of users")
        parser.add_argument("--rejected", type=Path, metavar="FILE", help="write unusable rows and why to this CSV")
        parser.add_argument("--dry-run", action="store_true", help="check and count, store nothing")
        parser.add_argument(
            "--they-agreed",
            action="store_true",
            help='where RECOMMENDATIONS["HAS_CONSENT"] is set: everybody whose past the files hold agreed',
        )

    def handle(self, **options: Any) -> None:
        try:
            zone = ZoneInfo(options["timezone"])
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise CommandError(f"--timezone {options['timezone']!r}: expected a name like Europe/London.") from error
        if (asked := get_config().HAS_CONSENT) and not options["they_agreed"]:
            raise CommandError(
                f'RECOMMENDATIONS["HAS_CONSENT"] is {asked!r}, and of the past nobody can be asked: nothing is '
                "imported. If everybody whose past the files hold agreed to recommendations from it, add --they-agreed."
            )
        with _opened(options["rejected"], options["files"]) as rejected:
            unusable = [file for file in options["files"] if not self._import(file, zone, rejected, options)]
        if unusable:
            raise CommandError(f"{', '.join(unusable)}: every row was rejected.")

    def _import(self, file: str, zone: ZoneInfo, rejected: Any, options: dict[str, Any]) -> bool:
        """Import one file; whether any of its rows could be used."""
        try:
            result = import_interactions(
                file,
                stdin=sys.stdin.buffer if file == "-" else None,
                format=options["format"],
                naive_times=zone,
                shoppers_are_users=options["users"],
                rejected=rejected,
                dry_run=options["dry_run"],
                report=self._progress,
            )
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        done = "would be added" if options["dry_run"] else "added"
        self.stdout.write(
            f"{file}: {result.read:,} rows read, {result.added:,} {done}, {result.repeated:,} there already, "
            f"{result.forgotten:,} too old or of shoppers who opted out, {result.rejected:,} rejected"
        )
        if not options["users"]:
            self.stdout.write("Its shoppers are external ids, nobody who logs in (--users: primary keys of users).")
        if result.rejected:
            where = f"see {options['rejected']}" if options["rejected"] else "name a file with --rejected"
            self.stdout.write(self.style.WARNING(f"{result.rejected:,} rows were rejected, most often for:"))
            for reason, count in result.reasons.most_common(REASONS_SHOWN):
                self.stdout.write(f"  {reason} ({count:,})")
            self.stdout.write(f"For each row {where}.")
        return not result.rejected == result.read > 0

    def _progress(self, rows: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{rows:,} rows", ending="")


def _opened(rejected: Path | None, files: list[str]) -> Any:
    """The file for rejected rows, empty. Raises CommandError."""
    if rejected is None:
        return nullcontext()
    try:
        if rejected.exists() and any(Path(file).exists() and rejected.samefile(file) for file in files):
            raise CommandError(f"--rejected {rejected}: expected another file than those to import.")
        return rejected.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"--rejected {rejected}: {error.strerror}; expected a file in a folder that is there."
        ) from error


def _help_formatter(base: type) -> type:
    """Keeps the line breaks of the columns' list."""

    class Formatter(base):
        def _fill_text(self, text: str, width: int, indent: str) -> str:
            return text if text == COLUMNS_HELP else super()._fill_text(text, width, indent)

    return Formatter
