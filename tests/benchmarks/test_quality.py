"""The command's names are kept, since others call it; its figures are checked on a shop small enough for it."""

import gzip
import json

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from benchmarks import quality, quality_figures
from benchmarks.data_files import read_data
from benchmarks.public_shops import read_categories, read_items
from benchmarks.quality import main
from benchmarks.telling import tell
from tests.benchmarks.test_protocols import N, made_lists


@pytest.fixture(scope="module")
def beauty(tmp_path_factory):
    """(data, items) of a small shop in the files' own format."""
    folder = tmp_path_factory.mktemp("quality")
    data, items = folder / "Made.txt.gz", folder / "Made_items.tsv.gz"
    with gzip.open(data, "wt") as stream:
        stream.writelines(f"{shopper} {' '.join(map(str, row))}\n" for shopper, row in enumerate(made_lists(), start=1))
    with gzip.open(items, "wt") as stream:
        stream.write("item_id\tasin\tbrand\tcategories\n")
        stream.writelines(f"{item}\tA{item}\tb\tTop > Shelf {item % 3} > Deep {item}\n" for item in range(1, N))
    return data, items


@pytest.fixture(scope="module")
def found(beauty, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    options = ["--data", beauty[0], "--items", beauty[1], "--protocol", "leave-one-out", "--seeds", 1, "--steps", 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_figures, "DRAWS", 50)
        main([str(o) for o in (*options, "--folds", 2, "--json", out / "found.json", "--histogram", out / "h.svg")])
    assert "<svg" in (out / "h.svg").read_text()
    return json.loads((out / "found.json").read_text())


def test_the_names_that_others_read(found):
    for name in ("hr@10", "ndcg@10", "recall@20"):
        assert set(found[name]) == {"mean", "std", "ci"}
    assert {"cpu_seconds", "wall_seconds", "peak_rss_mb", "data", "protocol", "seeds"} <= found.keys()
    assert found["left_out"]["shoppers"] == {"had met the right product": 0}
    assert {"over", "mean", "ci", "relative"} == found["paired_gain"].keys()
    assert {"popularity", "item_neighbours", "next_item_table", "small_model"} == found["baselines"].keys()
    assert all("ndcg@10" in values for values in found["baselines"].values())


def test_every_metric_at_every_cut(found):
    words = ("accuracy", "precision", "recall", "f1", "hr", "ndcg", "mrr", "coverage", "gini", "novelty")
    for name in (f"{word}@{k}" for word in (*words, "miscalibration") for k in (5, 10, 20)):
        assert "mean" in found[name], name
        assert all(name in values for values in found["baselines"].values()), name


def test_segments_hold_every_method_and_count_every_shopper_once(found):
    by_shopper = [told["shoppers"] for name, told in found["segments"].items() if name.endswith("shoppers")]
    by_product = [told["shoppers"] for name, told in found["segments"].items() if name.endswith("products")]
    assert sum(by_shopper) == sum(by_product) == found["shoppers"]  # one right product each
    for told in found["segments"].values():
        assert told["ndcg@10"].keys() == {"recommender", *found["baselines"]}


def test_a_segments_means_weigh_up_to_the_whole(found):
    told = [part for name, part in found["segments"].items() if name.endswith("shoppers")]
    whole = sum(part["shoppers"] * part["hr@10"]["recommender"] for part in told) / found["shoppers"]
    assert whole == pytest.approx(found["hr@10"]["mean"], abs=2e-5)


def test_folds_go_back_one_product_each_and_the_newest_leads(found):
    assert len(found["folds"]) == 2
    assert found["folds"][0]["ndcg@10"] == found["ndcg@10"]
    mean = sum(fold["ndcg@10"]["mean"] for fold in found["folds"]) / 2
    assert found["over_folds"]["ndcg@10"]["mean"] == pytest.approx(mean, abs=1e-5)


def test_categories_are_two_levels_and_0_where_there_is_none(beauty):
    data = read_data(beauty[0])
    category = read_categories(data, str(beauty[1]))
    assert len(category) == N + 1
    assert (category[0], category[N]) == (0, 0)
    assert category[1] == category[4] != category[2]
    assert read_categories(data, None) is None


@pytest.mark.parametrize("option", ["--folds", "--seeds", "--judged", "--steps"])
def test_none_is_no_number_of_anything(beauty, option, capsys):
    with pytest.raises(SystemExit):
        main(["--data", str(beauty[0]), "--protocol", "leave-one-out", option, "0"])
    assert f"argument {option}: 0: expected a number above 0" in capsys.readouterr().err


def test_an_earlier_fold_that_can_t_be_asked_is_refused_before_anything_is_fitted(beauty, monkeypatch):
    monkeypatch.setattr(quality, "measure", None)
    with pytest.raises(ValueError, match="0 rows to fit on"):
        main(["--data", str(beauty[0]), "--protocol", "leave-one-out", "--folds", "9"])


def test_a_line_of_items_may_end_early(tmp_path):
    (tmp_path / "items").write_text("\ufeffitem_id\tasin\tbrand\tcategories\r\n1\tA1\r\n2\tA2\tb\tTop\r\n")
    found = read_items(tmp_path / "items")
    assert [(row["brand"], row["categories"]) for row in found.values()] == [("", ""), ("b", "Top")]


@pytest.mark.parametrize(
    "text", ["item_id,brand,categories\n1,b,Top\n", '{"1": [1, 2]}', "", "item_id\tname\n1\tcup\n"]
)
def test_items_in_another_form_are_refused_with_what_was_expected(tmp_path, text):
    (tmp_path / "items").write_text(text)
    with pytest.raises(ValueError, match="expected columns item_id, brand and categories, tab-separated"):
        read_items(tmp_path / "items")


def test_without_any_category_there_is_none_to_be_calibrated(beauty, tmp_path):
    (tmp_path / "items").write_text("item_id\tbrand\tcategories\n1\tb\n")
    assert read_categories(read_data(beauty[0]), str(tmp_path / "items")) is None


def test_what_is_no_number_is_told_as_null(tmp_path):
    tell({"miscalibration@5": {"mean": float("nan")}, "ndcg@5": 0.5}, tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text(), parse_constant=pytest.fail) == {
        "miscalibration@5": {"mean": None},
        "ndcg@5": 0.5,
    }


def test_cpu_seconds_are_of_one_thread(beauty, monkeypatch):
    def ask(*question):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        raise KeyboardInterrupt

    monkeypatch.setattr(quality, "ask", ask)
    with threadpool_limits(2, user_api="blas"), pytest.raises(KeyboardInterrupt):
        main(["--data", str(beauty[0]), "--protocol", "leave-one-out"])
