"""Web processes whose environment has the wheel and no torch; artifacts come to them through a bucket."""

import shutil
import subprocess

MEGABYTE = 1_000_000
NOT_OURS = ("pip", "setuptools", "pkg_resources", "_distutils_hack")


def test_the_environment_is_complete_and_under_200_mb(serve_only, capsys):
    subprocess.run([serve_only, "-m", "pip", "check"], check=True)
    (packages,) = (serve_only.parent.parent / "lib").glob("python*/site-packages")
    sizes = {
        path: sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file() and file.suffix != ".pyc")
        for path in packages.iterdir()
        if not path.name.startswith(NOT_OURS)
    }
    assert not [path.name for path in sizes if path.name.startswith(("torch", "onnx-", "scipy", "sklearn"))]
    with capsys.disabled():
        print(f"\nServe-only: {sum(sizes.values()) / MEGABYTE:.0f} MB in {len(sizes)} folders and files")
    assert sum(sizes.values()) < 200 * MEGABYTE


def test_the_project_has_nothing_to_mend(project):
    assert "no issues" in project.done("check", "--fail-level", "WARNING")
    assert "No changes" in project.done("makemigrations", "--check")


def test_what_a_worker_trained_is_served_without_torch(project):
    seen, logged = project.visit()
    assert (seen["sent"], seen["version"], logged) == (201, "1", "")
    assert {found["source"] for found in seen["recommendations"]} == {"recommender"}
    assert "Tea no. " in seen["page"]


def test_asked_to_train_it_says_what_to_install_in_the_log_and_in_one_line_of_its_own(project):
    ended = project.manage("retrain_recommender")
    assert (ended.returncode, ended.stderr.count("\n"), ended.stderr.count("training_failed")) == (1, 2, 1)
    assert 'torch is not installed: pip install "django-because[training]"' in ended.stderr
    assert "version 1 serves on" in ended.stderr


def test_a_flipped_bit_in_the_bucket_is_never_served(project):
    for name in ("encoder.onnx", "item_matrix.npy", "manifest.json"):
        damaged = project.bucket / name
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        seen, logged = project.visit()
        assert (seen["sent"], seen["version"]) == (201, "")
        assert {found["source"] for found in seen["recommendations"]} == {"popular"}
        assert logged.startswith("version_not_servable: Version 1 can't be served, popular products are: ")
        assert (name in logged, logged.count("\n")) == (True, 1)
        damaged.write_bytes(whole)
    assert project.visit()[0]["version"] == "1"


def test_once_downloaded_it_is_served_when_the_bucket_is_gone(project):
    project.visit()
    shutil.rmtree(project.folder / "bucket")
    assert project.visit()[0]["version"] == "1"
    shutil.rmtree(project.folder / "tmp")
    seen, logged = project.visit()
    assert (seen["version"], "is missing in the storage" in logged) == ("", True)
