import time

from django.core.management.base import BaseCommand, CommandError

from shopdemo.progress import console, progress_bars


class Command(BaseCommand):
    help = "Fill the shop with real products and a year of real purchases. A second run adds only what is missing."

    def handle(self, **options) -> None:
        try:
            from shopdemo.loading import load_everything
        except ImportError as missing:
            raise CommandError(
                f"{missing}. The demo's data comes with an extra: pip install 'django-because[demo]'"
            ) from missing
        started = time.monotonic()
        with progress_bars() as report:
            rows = load_everything(report)
        console.print(
            f"  {rows['products']:,} products, {rows['purchases']:,} purchases of {rows['households']:,} households"
            f" ({time.monotonic() - started:.1f} s)"
        )
