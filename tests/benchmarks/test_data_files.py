"""A file is read by what stands in it: under any name, packed or plain."""

import gzip
from datetime import UTC, datetime

import pytest

from benchmarks.data_files import DATED, INVOICES, LAST, LAST_BUT_ONE, SEQUENCES, read_data, seconds_of
from benchmarks.protocols import ask
from benchmarks.public_shops import read_shop

LISTS = "7 3 4 5 6\n8 4 6\n"
DAYS = """user_id,item_id,date,category,liked
a,x,2013-12-01,1,1
a,y,2013-12-02,2,1
a,z,2013-12-03,1,0
b,y,1385856000,2,1
"""
LINES = """invoice,stock_code,description,quantity,invoice_date,price,customer_id,country
1,10001,cup,2,2011-10-03 10:00:00,1.5,17.0,UK
2,10002,tin,1,2011-11-04 10:00:00,1.5,17,UK
3,10001,cup,1,2011-12-05 10:00:00,1.5,18,UK
C4,10001,cup,-1,2011-12-06 10:00:00,1.5,18,UK
5,POST,postage,1,2011-12-06 10:00:00,1.5,18,UK
6,10002,tin,1,2011-12-06 10:00:00,1.5,,UK
"""


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(
    ("text", "form", "names", "items"),
    [
        (LISTS, SEQUENCES, ["3", "4", "5", "6"], [1, 2, 3, 4, 2, 4]),
        (DAYS, DATED, ["x", "y", "z"], [1, 2, 3, 2]),
        (LINES, INVOICES, ["10001", "10002"], [1, 2, 1]),
    ],
)
def test_each_form_is_known_by_its_first_line(tmp_path, packed, text, form, names, items):
    file = tmp_path / "some data"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = read_data(file)
    assert (found.form, list(found.names), found.log.item.tolist()) == (form, names, items)


def test_the_lines_of_an_order_have_one_time_and_each_product_once(tmp_path):
    again = "1,10001,cup,3,2011-10-03 10:01:00,1.5,17,UK\n1,10002,tin,1,2011-10-03 10:01:00,1.5,17,UK\n"
    (tmp_path / "lines").write_text(LINES + again)
    log = read_data(tmp_path / "lines").log
    began = datetime(2011, 10, 3, 10, tzinfo=UTC).timestamp()
    assert sorted(zip(log.item[:2].tolist(), log.time[:2].tolist(), strict=True)) == [(1, began), (2, began)]
    assert len(log) == 4


def test_without_times_the_last_two_products_have_times_of_their_own(tmp_path):
    (tmp_path / "lists").write_text(LISTS)
    found = read_data(tmp_path / "lists")
    assert not found.has_times
    assert found.log.time.tolist() == [0, 1, LAST_BUT_ONE, LAST, LAST_BUT_ONE, LAST]


def test_dated_rows_have_categories_and_times(tmp_path):
    (tmp_path / "days").write_text(DAYS)
    found = read_data(tmp_path / "days")
    assert list(found.categories) == ["1", "2", "1"]
    assert found.log.time.tolist()[::3] == [datetime(2013, 12, 1, tzinfo=UTC).timestamp()] * 2


def test_dated_rows_can_be_asked_for_the_last_one(tmp_path):
    (tmp_path / "days").write_text(DAYS)
    question = ask(str(tmp_path / "days"), "leave-one-out")
    assert [history.items.tolist() for history in question.asked.asked.histories] == [[1, 2]]
    assert [targets.tolist() for targets in question.asked.asked.targets] == [[3]]


def test_of_times_the_last_whole_month_chooses_and_what_came_later_is_explained(tmp_path):
    (tmp_path / "lines").write_text(LINES)
    shop = read_shop(tmp_path / "lines")
    moments = [
        datetime.fromtimestamp(moment, UTC).date().isoformat() for moment in (shop.choose_from, shop.explain_from)
    ]
    assert moments == ["2011-10-01", "2011-11-01"]


@pytest.mark.parametrize("text", ["", "item,time\n1,2\n", "7\n8\n", "anna 3 4\n"])
def test_anything_else_is_refused_with_what_was_expected(tmp_path, text):
    (tmp_path / "what").write_text(text)
    with pytest.raises(ValueError, match=r"expected `user item item \.\.\.`, or columns"):
        read_data(tmp_path / "what")


def read_text(folder, text):
    (folder / "made").write_text(text)
    return read_data(folder / "made")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2013-01-15", "2013-01-15T00:00:00+00:00"),
        ("20130115", "2013-01-15T00:00:00+00:00"),
        ("2013-01-15T23:00:00-10:00", "2013-01-16T09:00:00+00:00"),
        ("2013-01-15 10:00:00", "2013-01-15T10:00:00+00:00"),
        ("1358208000", "2013-01-15T00:00:00+00:00"),
        ("1358208000.5", "2013-01-15T00:00:00+00:00"),
        ("1358208000999", "2013-01-15T00:00:00+00:00"),
        ("1358208000999999", "2013-01-15T00:00:00+00:00"),
        ("86400", "1970-01-02T00:00:00+00:00"),
    ],
)
def test_times_are_read_as_they_are_written(text, iso):
    assert datetime.fromtimestamp(seconds_of(text), UTC).isoformat() == iso


@pytest.mark.parametrize("text", ["", "20131345", "20130115103000", "15/01/2013", "01.2013", "nan", "soon"])
def test_what_is_no_time_is_not_taken_for_one(text):
    with pytest.raises(ValueError, match="neither an ISO date or time nor epoch seconds"):
        seconds_of(text)


def test_numbers_of_products_may_be_far_apart(tmp_path):
    found = read_text(tmp_path, "1 20 3000000 100\n2 3000000 20\n")
    assert list(found.names) == ["20", "100", "3000000"]
    assert found.log.item.tolist() == [1, 3, 2, 3, 1]


def test_a_users_second_line_goes_on_where_the_first_ended(tmp_path):
    found = read_text(tmp_path, "1 5 6\n2 7 8 9\n1 10 11\n")
    assert [found.names[item - 1] for item in found.log.item[:4]] == ["5", "6", "10", "11"]


def test_ids_are_text_of_any_length(tmp_path):
    long = "100000032416892623125"
    found = read_text(tmp_path, f"user_id,item_id,date\n{long},x,2013-12-01\n9,x,2013-12-02\n{long},y,2013-12-03\n")
    assert found.log.shopper.tolist() == [1, 2, 2]
    found = read_text(tmp_path, LINES.replace(",17", ",C17"))
    assert found.log.shopper.tolist() == [1, 2, 2]  # 18 is the shorter


@pytest.mark.parametrize("text", ["\ufeff" + DAYS, DAYS.replace("user_id,item_id,date", '"user_id","item_id","date"')])
def test_a_byte_order_mark_and_a_quoted_header_are_no_matter(tmp_path, text):
    assert read_text(tmp_path, text).log.item.tolist() == [1, 2, 3, 2]


def test_rows_that_are_left_out_are_counted_by_cause(tmp_path):
    assert read_text(
        tmp_path, LINES + "7,10001,cup,1,2011-12-06 10:00:00,,18,UK\n1,10001,cup,1,,1.5,17,UK\n"
    ).left_out == {
        "no customer_id": 1,
        "no price": 1,
        "no invoice_date": 1,
        "quantity not above 0": 1,
        "stock_code without five digits": 1,
    }
    assert read_text(tmp_path, DAYS + "c,,2013-12-01,1,1\nc\n").left_out == {"no item_id": 2}
    assert read_text(tmp_path, LINES + LINES.splitlines()[1]).left_out["again in the same order"] == 1


def test_where_no_row_is_left_it_says_why(tmp_path):
    told = r"made: no rows; left out: 5 \(stock_code without five digits\), 1 \(no customer_id\)"
    with pytest.raises(ValueError, match=told):
        read_text(tmp_path, LINES.replace(",1000", ",SKU-1000"))
    with pytest.raises(ValueError, match="made: no rows; left out: none"):
        read_text(tmp_path, "user_id,item_id,date\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (DAYS + "b,y,15/01/2013,2,1\n", "made, line 6: date: '15/01/2013' is neither"),
        (LINES.replace("C4,10001,cup,-1", "C4,10001,cup,some"), "made, line 5: quantity: could not convert .* 'some'"),
        (LISTS + "9 3 four\n", "made, line 3: '9 3 four.*' is not `user item item"),
    ],
)
def test_what_can_t_be_read_is_named_with_its_line(tmp_path, text, told):
    with pytest.raises(ValueError, match=told):
        read_text(tmp_path, text)


def test_a_question_of_times_to_a_file_without_says_what_to_pass(tmp_path):
    (tmp_path / "lists").write_text(LISTS)
    with pytest.raises(ValueError, match="pass --protocol leave-one-out"):
        ask(str(tmp_path / "lists"), "time", "2013-01-01")
