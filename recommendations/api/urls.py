from django.db.transaction import non_atomic_requests
from django.urls import path

from .controls import ExportEndpoint, HiddenEndpoint, MeEndpoint, PersonalisationEndpoint
from .history import HistoryEndpoint, RestoreEndpoint
from .interactions import InteractionsEndpoint
from .lists import ListsEndpoint
from .schema import SchemaEndpoint
from .versions import RetrainEndpoint, VersionsEndpoint
from .why import WhyEndpoint

# What a shopper's data is asked or told is never inside ATOMIC_REQUESTS: what was done is said after its commit, and a
# commit that fails is a 503.
urlpatterns = [
    path("lists/", ListsEndpoint.as_view(), name="lists"),
    path("why/", WhyEndpoint.as_view(), name="why-as-json"),
    path("interactions/", non_atomic_requests(InteractionsEndpoint.as_view()), name="interactions"),
    path("history/", non_atomic_requests(HistoryEndpoint.as_view()), name="history"),
    path("history/restore/", non_atomic_requests(RestoreEndpoint.as_view()), name="restore"),
    path("hidden/", non_atomic_requests(HiddenEndpoint.as_view()), name="hidden"),
    path("personalisation/", non_atomic_requests(PersonalisationEndpoint.as_view()), name="personalisation"),
    path("export/", non_atomic_requests(ExportEndpoint.as_view()), name="export"),
    path("me/", non_atomic_requests(MeEndpoint.as_view()), name="me"),
    path("retrain/", RetrainEndpoint.as_view(), name="retrain"),
    path("versions/", VersionsEndpoint.as_view(), name="versions"),
    path("schema/", non_atomic_requests(SchemaEndpoint.as_view()), name="schema"),
]
