from django.apps import AppConfig


class ShopdemoConfig(AppConfig):
    name = "shopdemo"
    verbose_name = "Shop"
