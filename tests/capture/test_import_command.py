import csv
import io
import os
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from recommendations.management.commands import import_interactions as command
from recommendations.models import Interaction, Product

HEADER = "shopper,product,occurred_at\n"


@pytest.fixture(autouse=True)
def products(db):
    Product.objects.create(product_id="tea")


@pytest.fixture
def rows(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + "ann,tea,2026-03-01 12:00\nann,sofa,2026-03-01 12:00\n")
    return file


def run(*arguments):
    """What the command prints."""
    out = io.StringIO()
    call_command("import_interactions", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue()


def test_the_counts_are_printed(rows):
    told = run(rows)
    assert "2 rows read, 1 added, 0 there already" in told
    assert "1 rejected" in told
    assert "  product: not in the catalog; run sync_catalog first (1)" in told
    assert "name a file with --rejected" in told
    assert "0 added, 1 there already" in run(rows)


def test_a_file_of_which_nothing_is_usable_is_a_failure(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text(HEADER + "ann,sofa,2026-03-01 12:00\nann,bed: big,2026-03-01 12:00\n")
    with pytest.raises(CommandError, match="every row was rejected"):
        run(file)


def test_the_other_files_are_imported_all_the_same(rows, tmp_path):
    (tmp_path / "bad.csv").write_text(HEADER + "ann,sofa,2026-03-01 12:00\n")
    with pytest.raises(CommandError, match=r"bad\.csv: every row was rejected"):
        run(tmp_path / "bad.csv", rows)
    assert Interaction.objects.count() == 1


def test_a_file_to_import_is_no_place_for_its_rejected_rows(rows):
    with pytest.raises(CommandError, match=r"--rejected .*rows\.csv: expected another file than those to import"):
        run(rows, "--rejected", rows)
    assert rows.read_text().startswith(HEADER)


def test_a_folder_that_is_not_there_is_named(rows, tmp_path):
    with pytest.raises(CommandError, match=r"--rejected .*: No such file .* expected a file in a folder that is there"):
        run(rows, "--rejected", tmp_path / "none" / "bad.csv")


def test_rejected_rows_can_go_into_a_pipe(rows):
    reading, writing = os.pipe()
    run(rows, "--rejected", f"/dev/fd/{writing}")
    os.close(writing)
    with os.fdopen(reading) as stream:
        assert [row["product"] for row in csv.DictReader(stream)] == ["sofa"]


def test_with_consent_nothing_is_imported_unless_everybody_agreed(rows, settings):
    settings.RECOMMENDATIONS = {**settings.RECOMMENDATIONS, "HAS_CONSENT": "builtins.bool"}
    with pytest.raises(CommandError, match=r"HAS_CONSENT.* is 'builtins\.bool'.*nothing is imported.*--they-agreed"):
        run(rows)
    assert "1 added" in run(rows, "--they-agreed")


def test_rejected_rows_go_to_the_file_named(rows, tmp_path):
    told = run(rows, "--rejected", tmp_path / "bad.csv")
    assert f"see {tmp_path / 'bad.csv'}" in told
    header, row = (tmp_path / "bad.csv").read_text().splitlines()
    assert header == "file,row,reason,shopper,product,kind,occurred_at,quantity,query,order"
    assert row.startswith(f"{rows},2,product 'sofa': not in the catalog")


def test_the_rejected_rows_of_several_files_are_told_apart(rows, tmp_path):
    other = tmp_path / "others.csv"
    other.write_text(HEADER + "ann,tea,2026-03-02 12:00\nann,bed,2026-03-01 12:00\n")
    run(rows, other, "--rejected", tmp_path / "bad.csv")
    with (tmp_path / "bad.csv").open() as stream:
        assert [(row["file"], row["row"], row["product"]) for row in csv.DictReader(stream)] == [
            (str(rows), "2", "sofa"),
            (str(other), "2", "bed"),
        ]


def test_whose_history_an_import_becomes_is_said(rows):
    said = "external ids, nobody who logs in"
    assert said in run(rows)


def test_a_dry_run_says_what_would_be_and_stores_nothing(rows):
    assert "1 would be added" in run(rows, "--dry-run")
    assert not Interaction.objects.exists()


def test_naive_times_are_in_the_timezone_named(rows):
    run(rows, "--timezone", "America/New_York")
    assert Interaction.objects.get().occurred_at.hour == 17


def test_naive_times_are_in_the_projects_timezone(rows, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    run(rows)
    assert Interaction.objects.get().occurred_at.hour == 3


def test_an_unknown_timezone_is_named(rows):
    with pytest.raises(CommandError, match=r"--timezone 'Moon': expected a name like Europe/London"):
        run(rows, "--timezone", "Moon")


def test_several_files_are_imported(rows, tmp_path):
    (tmp_path / "more.csv").write_text(HEADER + "bob,tea,2026-03-02\n")
    assert run(rows, tmp_path / "more.csv").count("1 added") == 2


def test_stdin_is_a_dash(monkeypatch):
    stdin = io.BytesIO((HEADER + "ann,tea,2026-03-01\n").encode())
    monkeypatch.setattr(command.sys, "stdin", SimpleNamespace(buffer=stdin))
    assert "1 added" in run("-")


def test_the_shopper_can_be_a_user(rows, django_user_model):
    user = django_user_model.objects.create_user("ann@example.com", password="x")
    rows.write_text(HEADER + f"{user.pk},tea,2026-03-01\nnobody,tea,2026-03-01\n")
    assert "1 added" in run(rows, "--users")
    assert Interaction.objects.get().shopper.user == user


def test_an_unreadable_file_is_one_line(tmp_path):
    (tmp_path / "rows.csv").write_text("shopper\n")
    with pytest.raises(CommandError, match="column 'occurred_at' is missing"):
        run(tmp_path / "rows.csv")


def test_help_documents_every_column(capsys):
    with pytest.raises(SystemExit):
        call_command("import_interactions", "--help")
    told = capsys.readouterr().out
    for column in ("shopper", "occurred_at", "product", "kind", "quantity", "query", "order"):
        assert f"\n  {column} " in told
