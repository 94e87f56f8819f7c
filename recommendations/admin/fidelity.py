"""How true a version's reasons are, as people read it. Formulas: docs/fidelity.md."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..models import RecommenderVersion
from .comparison import lead

# Figures of the gate: (what must be true, how many were checked, how many are not).
EXACT = (
    (_("Causal reasons, derived again by separate code"), "claims", "false"),
    (_("Facts, counted again by other queries"), "facts", "false_facts"),
    (_("Pairs and threes of which no fewer decide"), "pairs", "not_minimal"),
    (_("Predicted lists that were served after a real removal"), "predictions", "different"),
)
METHODS = {
    "ours": _("Ours"),
    "last_viewed": _("Last viewed"),
    "most_similar": _("Most similar"),
    "most_frequent": _("Most frequent"),
    "top_attention": _("Most attention"),
    "random": _("Random"),
}
TIERS = {
    "P": _("promoted"),
    "T0": _("none"),
    "T1": _("one cause"),
    "T2": _("either of two"),
    "T4": _("bought together"),
    "T5": _("plain fact"),
}
KINDS = {
    "view": _("viewed"),
    "search": _("searched for"),
    "save": _("saved"),
    "add_to_cart": _("put into the basket"),
    "purchase": _("bought"),
}
BY_KE = {
    "pos": _(
        "Share that stays in the list without the first products of an explanation, by their number; less is better"
    ),
    "delp": _("Change of log-probability without them; less is better"),
    "insp": _("Change of log-probability with nothing but them; more is better"),
}
PLOTS = {
    "coverage": _("What the shown products rest on, by length of history"),
    "false_reasons": _("False reasons of usual labels beside ours"),
    "pos": _("Products that stay without what is named"),
}
VERSIONS_BEFORE = 5


@dataclass(frozen=True)
class FidelityTable:
    """Figures as text; the rows whose name stands in `bold` are ours."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    bold: str = ""


def fidelity_tables(fidelity: Mapping[str, Any]) -> list[FidelityTable]:
    """What the gate and the report measured, the gate first; what was not measured is left out."""
    gate, report = fidelity.get("gate", {}), fidelity.get("report", {})
    by_length = gettext("What shown products rest on, by distinct products and searches in the history")
    found = [_exact(gate), _coverage(by_length, gate.get("coverage") or report.get("coverage", {}))]
    by_event = {str(KINDS.get(kind, kind)): tiers for kind, tiers in report.get("coverage_by_event", {}).items()}
    found.append(_coverage(gettext("What shown products rest on, by the strongest that the shopper did"), by_event))
    found.append(_false(report))
    found += [_by_ke(str(title), report.get(metric, {})) for metric, title in BY_KE.items()]
    return [table for table in found if table.rows]


def fidelity_facts(fidelity: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Single figures with what they are."""
    gate, report = fidelity.get("gate", {}), fidelity.get("report", {})
    told = []
    if gate:
        share = gate["seconds"] / max(gate["training_seconds"], 1e-9)
        words = gettext(
            "%(shoppers)s shoppers, %(visitors)s of them made up, in %(seconds)s s, %(share)s of the training's time"
        )
        values = {"seconds": round(gate["seconds"]), "share": f"{share:.0%}"}
        values |= {name: _count(gate.get(name)) for name in ("shoppers", "visitors")}
        told.append((gettext("Checked before it was published"), words % values))
    single = (
        (_("NAOPC of our order (1 is best)"), _order(report.get("naopc", {}))),
        (_("Specificity: causes that are the only one"), report.get("specificity")),
        (_("Told alike when asked twice"), report.get("stability", {}).get("same_input")),
        (_("Kept beside an unrelated event"), report.get("stability", {}).get("another_event")),
        (_("The same without learning, and by chance"), _pair(report.get("sanity", {}))),
        (_("Explaining a list, milliseconds p50 / p99"), _milliseconds(report or gate)),
    )
    measured = [(str(label), value) for label, value in single if value not in (None, "")]  # 0 is a figure
    return told + [(label, value if isinstance(value, str) else _share(value)) for label, value in measured]


def plots(version: RecommenderVersion) -> list[tuple[str, str]]:
    """(name, what it shows) of the version's plots."""
    return [(name, str(PLOTS.get(name, name))) for name in version.fidelity.get("plots", {})]


def trend(version: RecommenderVersion) -> FidelityTable:
    """The version beside those measured before it, the newest first; empty when there is nothing to compare."""
    rows = RecommenderVersion.objects.filter(pk__lte=version.pk).exclude(fidelity={}).order_by("-pk")
    told = [(gettext("Version %(number)s") % {"number": row.pk}, _trend_row(row)) for row in rows[:VERSIONS_BEFORE]]
    columns = ("NDCG@10", gettext("Reasons checked"), gettext("false"), gettext("one cause"), gettext("either of two"))
    mine = gettext("Version %(number)s") % {"number": version.pk}
    return FidelityTable(gettext("Beside the versions before"), columns, tuple(told) if len(told) > 1 else (), mine)


def _trend_row(version: RecommenderVersion) -> tuple[str, ...]:
    gate, found = version.fidelity.get("gate", {}), lead(version.metrics)
    counted = gate.get("covered", {})
    total = sum(counted.values())

    def share(tier: str) -> str:
        shown = sum(gate["coverage"][length].get(tier, 0.0) * count for length, count in counted.items())
        return _share(shown / total if total else None)

    checked, false = _count(gate.get("claims")), _count(gate.get("false"))
    return f"{found.ours:.4f}" if found else "–", checked, false, share("T1"), share("T2")


def _exact(gate: Mapping[str, Any]) -> FidelityTable:
    rows = [(str(what), (_count(gate[all_]), _count(gate[bad]))) for what, all_, bad in EXACT if all_ in gate]
    return FidelityTable(
        gettext("What must be true without exception"), (gettext("checked"), gettext("false")), tuple(rows)
    )


def _coverage(title: str, coverage: Mapping[str, Mapping[str, float]]) -> FidelityTable:
    tiers = sorted({tier for shares in coverage.values() for tier in shares})
    rows = [(length, tuple(_share(shares.get(tier, 0.0)) for tier in tiers)) for length, shares in coverage.items()]
    return FidelityTable(title, tuple(f"{TIERS.get(tier, '')} ({tier})" for tier in tiers), tuple(rows))


def _false(report: Mapping[str, Any]) -> FidelityTable:
    rates = report.get("false_reason_rate_on_claims", {})
    rows = [
        (_method(name), (_share(rates[name]["strict"]), _share(rates[name]["lenient"]))) for name in _ordered(rates)
    ]
    title = gettext("False reasons: what usual labels would have named instead, on the same products")
    return FidelityTable(title, (gettext("strictly"), gettext("leniently")), tuple(rows), str(METHODS["ours"]))


def _by_ke(title: str, values: Mapping[str, Mapping[str, float | None]]) -> FidelityTable:
    columns = sorted({ke for row in values.values() for ke in row}, key=int)
    rows = [(_method(name), tuple(_number(values[name].get(ke)) for ke in columns)) for name in _ordered(values)]
    return FidelityTable(title, tuple(columns), tuple(rows), str(METHODS["ours"]))


def _ordered(methods: Iterable[str]) -> list[str]:
    return sorted(methods, key=lambda name: (name != "ours", name))


def _method(name: str) -> str:
    return str(METHODS.get(name, name.replace("_", " ")))


def _pair(sanity: Mapping[str, float | None]) -> str:
    found: Sequence[float | None] = (sanity.get("agreement"), sanity.get("chance"))
    return "" if None in found else " / ".join(map(_share, found))


def _order(naopc: Mapping[str, float | None]) -> str:
    value = naopc.get("ours")
    return "" if value is None else _number(value)  # no share: below 0 where the order is the wrong way round


def _milliseconds(figures: Mapping[str, Any]) -> str:
    took = figures.get("latency_ms", {})
    return f"{took['p50']} / {took['p99']}" if "p50" in took else ""


def _count(value: int | None) -> str:
    return "–" if value is None else number_format(value, force_grouping=True)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
