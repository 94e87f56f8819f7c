import shutil


def find_chromium() -> str | None:
    """Where the browser is, None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
