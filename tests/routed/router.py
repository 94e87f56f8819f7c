"""Where this project's tables are."""

from typing import Any

SHOPPERS = ("admin", "auth", "contenttypes", "sessions", "recommendations")


class Router:
    """The app is read from a replica, which holds nothing: whatever asks it fails."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "replica" if model._meta.app_label == "recommendations" else self.db_for_write(model)

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return "shoppers" if model._meta.app_label in SHOPPERS else None

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool | None:
        return True if {one._state.db, other._state.db} <= {"shoppers", "replica"} else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == ("shoppers" if app_label in SHOPPERS else "default")
