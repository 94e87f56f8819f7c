"""Artifacts in Django's storages: uploaded under a new name, made current in one transaction, loaded once a process."""

from .artifacts import of_this_release, prune, read_kept_fits, upload
from .current import current_recommender, forget, on_trial, why_not_served
from .loaded import LoadedRecommender
from .versions import publish

__all__ = [
    "LoadedRecommender",
    "current_recommender",
    "forget",
    "of_this_release",
    "on_trial",
    "prune",
    "publish",
    "read_kept_fits",
    "upload",
    "why_not_served",
]
