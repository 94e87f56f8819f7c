"""The metrics of a version as a table: the network beside the baselines, best of each column in bold."""

from typing import Any

from rich.table import Table

COLUMNS = ("HR@10", "NDCG@10", "Recall@10", "Precision@10", "Coverage@10")
KEYS = ("hr", "ndcg", "recall", "precision", "coverage")


def metrics_tables(metrics: dict[str, Any]) -> list[Table]:
    """One table for each protocol that was measured."""
    protocols = metrics.get("protocols", metrics)
    return [_table(name, methods) for name, methods in protocols.items() if _is_protocol(methods)]


def _is_protocol(methods: Any) -> bool:
    return isinstance(methods, dict) and bool(methods) and all(isinstance(one, dict) for one in methods.values())


def _table(name: str, methods: dict[str, dict[str, float]]) -> Table:
    table = Table(title=name.replace("_", " "), title_justify="left", title_style="bold")
    table.add_column("method")
    shown = [key for key in KEYS if any(_value(row, key) is not None for row in methods.values())]
    for key in shown:
        table.add_column(COLUMNS[KEYS.index(key)], justify="right")
    best = {key: max(_value(row, key) or 0 for row in methods.values()) for key in shown}
    for method, row in methods.items():
        cells = [_cell(_value(row, key), best[key]) for key in shown]
        table.add_row(method.replace("_", " "), *cells)
    return table


def _value(row: dict[str, float], key: str) -> float | None:
    """A metric by its name, whatever its spelling: "ndcg", "ndcg@10" and "NDCG@10" are one."""
    for name, value in row.items():
        if name.lower() in (key, f"{key}@10") and isinstance(value, int | float):
            return float(value)
    return None


def _cell(value: float | None, best: float) -> str:
    if value is None:
        return "–"
    return f"[bold]{value:.4f}[/bold]" if value == best else f"{value:.4f}"
