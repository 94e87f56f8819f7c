"""The worked example of docs/self-attention.md: our own attention layer reads three viewed products.

`python -m benchmarks.self_attention` writes the page and its heat map anew; a test executes the layer again and
compares every number of both.
"""

from pathlib import Path

import numpy as np
import torch

from recommendations.ml.training.network import Layer, NetworkSettings, PooledDropout

PRODUCTS = ("green tea", "teapot", "tea towel")
QUALITIES = ("drinks", "kitchen", "textiles", "gift")
# A row a product, a column a quality: in a real network these are learned, and nobody names them.
X = [[2.0, 0.5, 0.0, 0.5], [1.5, 2.0, 0.0, 1.0], [0.5, 2.0, 1.5, 0.5]]
# As nn.Linear keeps them: y = x @ weight.T; all offsets are 0.
WEIGHTS = {
    "query": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0.5]],
    "key": [[1, 0.5, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0.5]],
    "value": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "out": [[0.5, 0, 0, 0], [0, 0.5, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 0.5]],
    "widen": [[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, -1, 0], [0, -1, 0, 1]],
    "narrow": [[0.2, 0, 0.2, 0], [0.2, 0, 0, -0.2], [0, 0.2, -0.2, 0], [0, 0.2, 0, 0.2]],
}
HERE = Path(__file__).parents[1] / "docs"
PAGE, HEAT_MAP = HERE / "self-attention.md", HERE / "images" / "self-attention.svg"
TEXT = Path(__file__).with_suffix(".txt")


def make_layer() -> Layer:
    """The layer of the network with WEIGHTS: one head, four numbers a product, no dropout."""
    layer = Layer(NetworkSettings(width=4, heads=1, feed_forward=4, dropout=0.0), PooledDropout(0.0)).eval()
    weights = {name: torch.tensor(values, dtype=torch.float32) for name, values in WEIGHTS.items()}
    weights["key_value"] = torch.cat([weights.pop("key"), weights.pop("value")])
    with torch.no_grad():
        for name, values in weights.items():
            getattr(layer, name).weight.copy_(values)
            getattr(layer, name).bias.zero_()
    return layer


def run(layer: Layer) -> dict[str, np.ndarray]:
    """Every matrix between X and the layer's result, each (3, 4), read where the layer computes it.

    "scores" and "weights" (3, 3) are the two that it keeps for itself: they are computed here from its own queries
    and keys. "masked" is -inf where a product must not look.
    """
    seen: dict[str, np.ndarray] = {}

    def watch(name: str) -> None:
        def note(module, given, result) -> None:
            seen[f"into {name}"], seen[name] = given[0][0].numpy(), result[0].numpy()

        getattr(layer, name).register_forward_hook(note)

    for name in ("attention_norm", "query", "key_value", "out", "forward_norm", "widen", "narrow"):
        watch(name)
    blocked = torch.full((3, 3), -1e9).triu(1)[None, None]
    with torch.inference_mode():
        seen["result"] = layer(torch.tensor([X]), blocked)[0].numpy()
    seen["key"], seen["value"] = np.split(seen["key_value"], 2, axis=1)
    seen["scores"] = seen["query"] @ seen["key"].T / np.sqrt(4)
    seen["masked"] = np.where(np.tri(3, dtype=bool), seen["scores"], -np.inf)
    shares = np.exp(seen["masked"] - seen["masked"].max(axis=1, keepdims=True))
    seen["weights"] = shares / shares.sum(axis=1, keepdims=True)
    seen["mixed"] = seen["into out"]
    seen["read"] = seen["into forward_norm"]
    return seen


def matrix(values: np.ndarray, columns: tuple[str, ...] = QUALITIES, rows: tuple[str, ...] = PRODUCTS) -> str:
    """A matrix as a block of text."""
    wide = max(map(len, rows))
    lines = [" " * wide + "".join(f"{name:>12}" for name in columns)]
    for name, row in zip(rows, values, strict=True):
        lines.append(f"{name:<{wide}}" + "".join(f"{'-':>12}" if v == -np.inf else f"{v + 0.0:12.3f}" for v in row))
    return "\n".join(["```", *lines, "```"])


def page(seen: dict[str, np.ndarray]) -> str:
    """docs/self-attention.md."""
    told = {name: matrix(values) for name, values in seen.items() if values.shape == (3, 4)}
    told |= {name: matrix(seen[name], PRODUCTS) for name in ("scores", "masked", "weights")}
    told["x"] = matrix(np.array(X))
    told["wide"] = matrix(np.maximum(seen["widen"], 0), ("1", "2", "3", "4"))
    for name, values in WEIGHTS.items():
        told[f"w_{name}"] = matrix(np.array(values).T, ("1", "2", "3", "4"), ("1", "2", "3", "4"))
    last = seen["weights"][2]
    told["last"] = ", ".join(f"{share:.0%} on {name}" for share, name in zip(last, PRODUCTS, strict=True))
    return TEXT.read_text(encoding="utf-8").format(**told)


def heat_map(weights: np.ndarray) -> str:
    """The attention weights as an SVG; what a number says is written in its cell."""
    cells = []
    for row, reader in enumerate(PRODUCTS):
        y = 60 + 50 * row
        cells.append(f'<text x="112" y="{y + 30}" text-anchor="end">{reader}</text>')
        for column, looked_at in enumerate(PRODUCTS):
            x, share = 120 + 100 * column, weights[row, column]
            if row == 0:
                cells.append(f'<text x="{x + 50}" y="50" text-anchor="middle">{looked_at}</text>')
            cells.append(_cell(x, y, None if column > row else share))
    return SVG.format(cells="\n".join(cells))


def _cell(x: int, y: int, share: float | None) -> str:
    if share is None:
        fill, ink, told = "#eee", "#555", "not yet seen"
    else:
        fill, ink = f"rgb({255 - 230 * share:.0f},{255 - 180 * share:.0f},255)", "#fff" if share > 0.6 else "#000"
        told = f"{share:.3f}"
    box = f'<rect x="{x}" y="{y}" width="98" height="48" fill="{fill}" stroke="#888"/>'
    return f'{box}<text x="{x + 49}" y="{y + 29}" text-anchor="middle" fill="{ink}">{told}</text>'


SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 430 220" role="img" aria-labelledby="title" font-size="14" \
font-family="sans-serif">
<title id="title">How much each product (row) reads from each product (column); rows sum to 1</title>
<rect width="430" height="220" fill="#fff"/>
<text x="270" y="24" text-anchor="middle" font-weight="bold">looks at</text>
{cells}
</svg>
"""


def main() -> None:
    seen = run(make_layer())
    PAGE.write_text(page(seen), encoding="utf-8")
    HEAT_MAP.write_text(heat_map(seen["weights"]), encoding="utf-8")
    print(f"{PAGE.name} and {HEAT_MAP.name} are written.")


if __name__ == "__main__":
    main()
