"""What commands ask of their options."""

import os
from pathlib import Path

import pytest
from django.core.management import CommandError

from recommendations.management.options import check_writable


def test_a_link_to_nothing_stays_one(tmp_path):
    named, link = tmp_path / "named.json", tmp_path / "link.json"
    link.symlink_to(named.name)
    check_writable("--json", link)
    assert link.is_symlink() and os.listdir(tmp_path) == ["link.json"]


def test_a_link_to_a_file_leaves_both(tmp_path):
    named, link = tmp_path / "named.json", tmp_path / "link.json"
    named.write_text("{}")
    link.symlink_to(named)
    check_writable("--json", link)
    assert link.is_symlink() and named.read_text() == "{}"


def test_a_link_into_a_folder_that_is_not_there_is_named(tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "no folder" / "named.json")
    with pytest.raises(CommandError, match=f"--json {link}: No such file or directory"):
        check_writable("--json", link)
    assert link.is_symlink()


def test_a_pipe_is_written_to_and_not_deleted():
    reading, writing = os.pipe()
    try:
        check_writable("--json", Path(f"/dev/fd/{writing}"))
        assert os.path.exists(f"/dev/fd/{writing}")
    finally:
        os.close(reading)
        os.close(writing)
