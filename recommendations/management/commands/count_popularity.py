from typing import Any

from django.utils import timezone

from recommendations.management import command
from recommendations.models import ProductPopularity


class Command(command.Command):
    help = "Count what is popular, this week and in all: what visitors see of whom nothing is known."

    def handle(self, *args: Any, **options: Any) -> None:
        counted = ProductPopularity.objects.count_again(timezone.now())
        self.stdout.write(f"{counted} products were counted.")
