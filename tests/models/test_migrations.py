from django.core.management import call_command


def test_no_setting_changes_the_migrations(db, settings):
    settings.DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    settings.RECOMMENDATIONS = {"STRICT": True, "RETENTION_DAYS": 1, "STORAGE": "other"}
    call_command("makemigrations", "recommendations", check=True, dry_run=True, verbosity=0)
