import json
import random
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...auditing.reference import Reference
from ...auditing.second_look import SecondLook
from ...auditing.shoppers import Asking, asking_for, real_shoppers, visitors
from ...auditing.tally import Tally
from ...models import RecommenderVersion
from ...publishing import current_recommender, on_trial, why_not_served
from .. import command
from ..options import check_writable, positive

# Shoppers in a row without a claim, after which there are none to be had.
FRUITLESS = 300


class Command(command.Command):
    help = (
        'Ask for lists as the shop\'s pages do, and check every "because" in them on an independent path: the stored '
        "weights in torch, the whole catalog. Facts are counted again. All is asked of the version that serves when it "
        "begins, and what seems false is looked at twice, since the shop goes on. Exits with 1 when anything is false."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--claims", type=positive, default=1_000, metavar="N", help='"because" reasons to check')
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report to this file")
        parser.add_argument(
            "--visitors",
            type=_share,
            default=0.5,
            metavar="SHARE",
            help="share of the claims from made-up visitors with up to five recent products (%(default)s)",
        )
        parser.add_argument(
            "--predict-every", type=positive, default=20, metavar="N", help="try a removal each N claims (%(default)s)"
        )
        parser.add_argument("--seed", type=int, default=0, help="draws shoppers, visits and lengths (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        check_writable("--json", options["json"])
        served = current_recommender()
        if served is None:
            nothing = "No version is published: there is nothing to audit. Run retrain_recommender first."
            raise CommandError(why_not_served() or nothing)
        version = RecommenderVersion.objects.get(pk=served.version)
        tally = Tally(version, options["predict_every"])
        with Reference.opened(version, served.scorer.newcomers) as reference, on_trial(served):
            self._check(SecondLook(tally, served, reference), options)
        self._tell(tally, options)

    def _check(self, looking: SecondLook, options: dict[str, Any]) -> None:
        draw, tally = random.Random(options["seed"]), looking.tally  # noqa: S311 - a sample # nosec B311
        told = monotonic()
        for asking, is_visitor in _askings(draw, tally, options):
            looking.check(asking, is_visitor, draw.random())
            if monotonic() - told > (1 if self.stderr.isatty() else 10):
                told = monotonic()
                self._progress(tally, options["claims"])

    def _progress(self, tally: Tally, claims: int) -> None:
        line = f"{tally.claims:,} of {claims:,} claims checked, {tally.false} false, {tally.shoppers:,} shoppers"
        self.stderr.write(line, lambda text: text, ending="\r" if self.stderr.isatty() else "\n")

    def _tell(self, tally: Tally, options: dict[str, Any]) -> None:
        report = tally.report(**{name: options[name] for name in ("claims", "visitors", "predict_every", "seed")})
        if options["json"]:
            options["json"].write_text(json.dumps(report, indent=2, default=str) + "\n", encoding="utf-8")
        self.stdout.write(tally.summary())
        if tally.false or tally.different:
            raise CommandError("Not everything is true. " + json.dumps(tally.examples, indent=2, default=str))
        if not tally.claims:
            raise CommandError('Nobody is shown a "because": nothing was checked.')


def _askings(draw: random.Random, tally: Tally, options: dict[str, Any]) -> Iterator[tuple[Asking, bool]]:
    """Real shoppers in a drawn order and made-up visitors, until there are claims enough or no more come."""
    real, made_up = real_shoppers(draw), visitors(draw) if options["visitors"] > 0 else iter(())
    fruitless = 0
    while tally.claims < options["claims"] and fruitless < FRUITLESS:
        before = tally.claims
        wants_visitor = tally.visitor_claims <= options["visitors"] * tally.claims or not real
        asking = next(made_up, None) if wants_visitor else None
        if asking is None and not real:
            return
        yield asking or asking_for(real.pop())
        fruitless = fruitless + 1 if tally.claims == before else 0


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{text!r}: expected a number from 0 to 1")
    return value
