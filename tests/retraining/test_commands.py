import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recommendations.auditing.gate import Verdict
from recommendations.exceptions import BrokerUnreachable
from recommendations.management.commands import retrain_recommender
from recommendations.models import RecommenderVersion
from tests.shop.models import Book


def run(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def test_retrain_prints_each_stage_once_and_the_outcome(shop, trainer):
    lines = run("retrain_recommender").splitlines()
    version = RecommenderVersion.objects.get()
    assert lines == [
        "Deleting what must not be kept any longer ...",
        "Reading the catalog ...",
        "Counting what is popular ...",
        "Reading interactions ...",
        "Judged fit ...",
        "Final fit ...",
        "Checking reasons ...",
        "Publishing ...",
        f"Version {version.pk} is published.",
        "NDCG@10, repeats allowed: 0.500 beside 0.250 of popularity.",
    ]
    assert version.started_by.startswith("command (")


def test_retrain_counts_up_in_place_on_a_terminal(shop, trainer):
    class Terminal(StringIO):
        def isatty(self):
            return True

    out = Terminal()
    call_command("retrain_recommender", stdout=out)
    assert "\nJudged fit ... 8 %" in out.getvalue()
    assert "\nFinal fit ... 45 %" in out.getvalue()


def test_retrain_fails_when_nothing_was_published(shop, trainer):
    trainer.refusal = "NDCG@10 0.1 against 0.2 of popularity"
    with pytest.raises(CommandError, match=r"is rejected, popular .* 0.1 against 0.2 .* With little history"):
        run("retrain_recommender")


def test_a_false_reason_is_a_fault_to_report(shop, trainer):
    trainer.verdict = Verdict({"gate": {"claims": 3, "false": 1}}, "CV 0.6667.")
    with pytest.raises(CommandError, match=r"CV 0.6667\. More history does not mend this: it is a fault"):
        run("retrain_recommender")


def test_retrain_takes_no_settings_along_to_a_worker(shop, monkeypatch):
    asked = []
    monkeypatch.setattr(retrain_recommender, "request_retraining", asked.append)
    with pytest.raises(CommandError, match=r'--settings-json \{"steps": 5\}: expected no --queue beside it'):
        run("retrain_recommender", "--queue", "--settings-json", '{"steps": 5}')
    assert asked == []


def test_retrain_fails_while_another_one_runs(shop, trainer):
    version = RecommenderVersion.objects.create()
    with pytest.raises(CommandError, match=f"Version {version.pk} is being trained already"):
        run("retrain_recommender")


def test_retrain_takes_settings(shop, trainer):
    run("retrain_recommender", "--settings-json", '{"seed": 3}')
    assert RecommenderVersion.objects.get().settings == {"seed": 3}


@pytest.mark.parametrize(("text", "expected"), [("[1]", "expected a JSON object"), ("{'a': 1}", "is not JSON")])
def test_retrain_refuses_settings_that_are_no_object(db, text, expected):
    with pytest.raises(CommandError, match=f"--settings-json: .*{re.escape(text)}.*{expected}"):
        run("retrain_recommender", "--settings-json", text)


def test_retrain_can_be_left_to_a_worker(db, monkeypatch):
    asked = []
    monkeypatch.setattr(retrain_recommender, "request_retraining", asked.append)
    assert "Queued." in run("retrain_recommender", queue=True)
    assert asked[0].startswith("command (")


def test_retrain_says_when_there_is_no_broker(db, monkeypatch):
    def refuse(started_by):
        raise BrokerUnreachable("redis://broker", ConnectionRefusedError("refused"))

    monkeypatch.setattr(retrain_recommender, "request_retraining", refuse)
    with pytest.raises(CommandError, match="The Celery broker redis://broker does not answer"):
        run("retrain_recommender", queue=True)


def test_sync_catalog_counts(db):
    Book.objects.bulk_create([Book(name="One"), Book(name="Two")])
    assert run("sync_catalog") == "2 products are new, 0 changed, 0 are gone from the shop.\n"
    Book.objects.filter(name="One").delete()
    Book.objects.filter(name="Two").update(name="Zwei")
    assert run("sync_catalog").startswith("0 products are new, 1 changed, ")


def test_count_popularity_counts(shop):
    assert run("count_popularity").endswith("products were counted.\n")


@pytest.mark.parametrize("name", ["sync_catalog", "retrain_recommender", "count_popularity", "explanation_audit"])
def test_before_migrate_a_command_says_so_in_one_line(db, monkeypatch, name):
    monkeypatch.setattr(connection.introspection, "table_names", lambda cursor=None: ["auth_user"])
    with pytest.raises(CommandError, match=r"tables are not there yet: run manage\.py migrate first"):
        run(name)
