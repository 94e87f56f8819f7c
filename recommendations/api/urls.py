from django.db.transaction import non_atomic_requests
from django.urls import path

from .history import HistoryEndpoint, RestoreEndpoint
from .interactions import InteractionsEndpoint
from .lists import ListsEndpoint
from .versions import RetrainEndpoint, VersionsEndpoint

urlpatterns = [
    path("lists/", ListsEndpoint.as_view(), name="lists"),
    # Never inside ATOMIC_REQUESTS: 201 is said after the commit, and a commit that fails is a 503.
    path("interactions/", non_atomic_requests(InteractionsEndpoint.as_view()), name="interactions"),
    path("history/", HistoryEndpoint.as_view(), name="history"),
    path("history/restore/", RestoreEndpoint.as_view(), name="restore"),
    path("retrain/", RetrainEndpoint.as_view(), name="retrain"),
    path("versions/", VersionsEndpoint.as_view(), name="versions"),
]
