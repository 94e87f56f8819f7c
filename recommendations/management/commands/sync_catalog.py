from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommendations.catalog import sync_catalog
from recommendations.exceptions import RecommendationsError


class Command(BaseCommand):
    help = "Mirror the shop's products: all of them, also what bulk updates changed."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = sync_catalog()
        except RecommendationsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{result.created} products are new, {result.updated} changed, {result.unavailable} are gone from the shop."
        )
