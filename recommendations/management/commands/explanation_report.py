import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...auditing.explained import LEFT_OUT
from ...auditing.plots import draw_plots
from ...auditing.report import KE, make_report
from ...ml.artifact import ArtifactError
from ...models import RecommenderVersion
from .. import command
from ..options import check_writable, positive


class Command(command.Command):
    help = (
        "Measure how faithful the reasons of a version are, beside what shops usually print, on the shop's own "
        "shoppers and on that same version. Needs no torch. Kept with the version and shown in the admin; what each "
        "figure means: docs/fidelity.md."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=int, help="number of a version, current or not, that still has its files")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report to this file")
        parser.add_argument("--shoppers", type=positive, default=200, metavar="N", help="shoppers to ask (%(default)s)")
        parser.add_argument("--seed", type=int, default=0, help="draws the shoppers (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        check_writable("--json", options["json"])
        version = RecommenderVersion.objects.filter(pk=options["version"]).first()
        if version is None:
            whole = RecommenderVersion.objects.exclude(artifact_sha256="")
            known = ", ".join(map(str, whole.values_list("pk", flat=True)))
            raise CommandError(f"There is no version {options['version']}. Versions with files: {known or 'none'}.")
        try:
            report = make_report(version, options["shoppers"], options["seed"], self._progress(options["shoppers"]))
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        if report["shown"]:
            _keep(version, report)
        if options["json"]:
            options["json"].write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        for line in lines(version.pk, report):
            self.stdout.write(line)

    def _progress(self, shoppers: int):  # type: ignore[no-untyped-def]
        told = monotonic()

        def tell(done: int) -> None:
            nonlocal told
            if monotonic() - told > (1 if self.stderr.isatty() else 10):
                told = monotonic()
                line, ending = f"{done:,} of {shoppers:,} shoppers", "\r" if self.stderr.isatty() else "\n"
                self.stderr.write(line, lambda text: text, ending=ending)

        return tell


def _keep(version: RecommenderVersion, report: Mapping[str, Any]) -> None:
    fidelity = {**version.fidelity, "report": report}
    fidelity["plots"] = draw_plots(fidelity)
    RecommenderVersion.objects.filter(pk=version.pk).update(fidelity=fidelity)


def lines(version: int, report: Mapping[str, Any]) -> Iterator[str]:
    """The report as a person reads it, the headline first."""
    yield (
        f"Version {version}: {report['shoppers']:,} shoppers, {report['shown']:,} products shown, "
        f'{report["claims"]:,} with a "because", {report["seconds"]:.0f} s.'
    )
    for why, shoppers in report["left_out"].items():
        yield f"Left out: {shoppers:,} {LEFT_OUT[why]}."
    if not report["shown"]:
        yield "Nobody has a history that this version can read: nothing was measured, and nothing is kept."
        return
    yield from _table(
        "False reasons, strictly and leniently", ("strict", "lenient"), report, "false_reason_rate_on_claims"
    )
    yield from _table("The same labels on all shown products", ("strict", "lenient"), report, "false_reason_rate")
    tiers = tuple(sorted({tier for shares in report["coverage"].values() for tier in shares}))
    yield from _table("Shown products by reason and length of history", tiers, report, "coverage")
    yield from _table("The same by the strongest that the shopper did", tiers, report, "coverage_by_event")
    for metric, words in (
        ("pos", "POS@10: share that stays without the first Ke products, lower is better"),
        ("delp", "DELp: change of log p without them, lower is better"),
        ("insp", "INSp: change of log p with nothing but them, higher is better"),
    ):
        yield from _table(words, tuple(str(ke) for ke in KE), report, metric)
    yield "NAOPC (2 to 7 products, exact): " + _inline(report["naopc"])
    yield f"Specificity: {_number(report['specificity'])}"
    yield "Stability: " + _inline(report["stability"])
    yield "Strongest product the same without learning: " + _inline(report["sanity"])
    yield "Milliseconds to explain a list: " + _inline(report["latency_ms"])


def _table(title: str, columns: tuple[str, ...], report: Mapping[str, Any], name: str) -> Iterator[str]:
    if not report[name]:
        return
    yield ""
    yield title
    yield f"  {'':<16}" + "".join(f"{column:>9}" for column in columns)
    for row, values in report[name].items():
        yield f"  {row.replace('_', ' '):<16}" + "".join(f"{_number(values.get(column)):>9}" for column in columns)


def _inline(values: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in values.items())


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
