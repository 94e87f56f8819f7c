"""Plots of a version's fidelity as SVG text, made by the worker: the same figures always give the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import Any

from ..logs import log
from .shoppers import BEYOND, STRATA

# matplotlib's Axes and Figure: this module is imported where it may not be installed.
Axes = Any
Draw = Callable[[Axes, Mapping[str, Any]], None]

LENGTHS = (*[name for name, (fewest, _) in STRATA.items() if fewest], BEYOND)
INCHES = (6.4, 3.2)
STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, and the file is small
    "svg.hashsalt": "recommendations",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
# From the bottom of a bar upwards, in the words of the admin's table.
TIERS = {
    "T1": "one cause (T1)",
    "T2": "either of two (T2)",
    "P": "promoted (P)",
    "T4": "bought together (T4)",
    "T5": "plain fact (T5)",
    "T0": "none (T0)",
}
COLOURS = ("#0b6e4f", "#6fb98f", "#c9d6df", "#8d99ae", "#52616b", "#b5838d")
OURS_COLOUR = "#0b6e4f"


def draw_plots(fidelity: Mapping[str, Any]) -> dict[str, str]:
    """plot -> SVG, of whatever was measured; none, and a line in the log, without matplotlib."""
    gate, report = fidelity.get("gate", {}), fidelity.get("report", {})
    wanted: dict[str, tuple[Draw, Mapping[str, Any]]] = {
        "coverage": (_coverage, gate.get("coverage") or report.get("coverage", {})),
        "false_reasons": (_false_reasons, report.get("false_reason_rate_on_claims", {})),
        "pos": (_pos, report.get("pos", {})),
    }
    try:
        return {name: _svg(draw, figures) for name, (draw, figures) in wanted.items() if figures}
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        log("plots_left_out")
        return {}


def _svg(draw: Draw, figures: Mapping[str, Any]) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=INCHES, layout="constrained")
        draw(figure.add_subplot(), figures)
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()


def _coverage(axes: Axes, coverage: Mapping[str, Mapping[str, float]]) -> None:
    """Stacked shares of the tiers, a bar for each length of history."""
    lengths = [name for name in LENGTHS if name in coverage]
    shown = {tier for length in lengths for tier in coverage[length]}
    tiers = [tier for tier in TIERS if tier in shown]
    base = [0.0] * len(lengths)
    for tier, colour in zip(tiers, COLOURS, strict=False):
        shares = [coverage[length].get(tier, 0.0) for length in lengths]
        axes.bar(lengths, shares, bottom=base, label=TIERS[tier], color=colour, width=0.6)
        base = [below + share for below, share in zip(base, shares, strict=True)]
    axes.set_ylim(0, 1)
    axes.set_xlabel("distinct products in the history")
    axes.set_ylabel("share of shown products")
    _legend_beside(axes)


def _false_reasons(axes: Axes, rates: Mapping[str, Mapping[str, float]]) -> None:
    """Bars of what is false strictly and leniently, a pair for each label."""
    names = sorted(rates, key=lambda name: (name != "ours", rates[name]["strict"]))
    for shift, kind, colour in ((-0.2, "strict", COLOURS[4]), (0.2, "lenient", COLOURS[2])):
        values = [rates[name][kind] for name in names]
        bars = axes.bar([place + shift for place in range(len(names))], values, width=0.38, label=kind, color=colour)
        axes.bar_label(bars, [f"{value:.0%}" for value in values], padding=2)
    axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names])
    axes.set_ylim(0, 1.1)
    axes.set_ylabel("false reasons")
    _legend_beside(axes)


def _pos(axes: Axes, pos: Mapping[str, Mapping[str, float]]) -> None:
    """A line for each method: how often an item stays without the first Ke units."""
    others = sorted(name for name in pos if name != "ours")
    for name, colour in zip(others, COLOURS[1:], strict=False):
        _line(axes, name, pos[name], color=colour, linewidth=1.2)
    if "ours" in pos:
        _line(axes, "ours", pos["ours"], color=OURS_COLOUR, linewidth=2.6)
    axes.set_xlabel("products taken out (Ke)")
    axes.set_ylabel("items that stay in the first 10")
    axes.set_xticks(sorted({int(ke) for values in pos.values() for ke in values}))
    axes.set_ylim(bottom=0)
    _legend_beside(axes)


def _line(axes: Axes, name: str, values: Mapping[str, float], **style: Any) -> None:
    taken: Sequence[int] = sorted(map(int, values))
    axes.plot(taken, [values[str(ke)] for ke in taken], marker="o", markersize=3, label=_words(name), **style)


def _legend_beside(axes: Axes) -> None:
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _words(name: str) -> str:
    return name.replace("_", " ")
