from django.apps import AppConfig


class OscarRecommendationsConfig(AppConfig):
    name = "recommendations.contrib.oscar"
    label = "recommendations_oscar"
    verbose_name = "Recommendations in Oscar"

    def ready(self) -> None:
        from . import checks, receivers  # noqa: F401
