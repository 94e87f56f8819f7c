from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ..exceptions import RecommendationsError
from ..models import Interaction


class Command(BaseCommand):
    """What our commands share: errors of ours end them in one line, and so do tables that are not there yet."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run it. Raises CommandError."""
        if not Interaction.objects.has_table():
            raise CommandError("The app's tables are not there yet: run manage.py migrate first.")
        try:
            return super().execute(*args, **options)
        except RecommendationsError as error:
            raise CommandError(str(error)) from error
