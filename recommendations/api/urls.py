from django.urls import path

from ..boundary import outside_transactions
from .controls import ExportEndpoint, HiddenEndpoint, MeEndpoint, PersonalisationEndpoint
from .history import HistoryEndpoint, RestoreEndpoint
from .interactions import InteractionsEndpoint
from .lists import ListsEndpoint
from .schema import SchemaEndpoint
from .versions import RetrainEndpoint, VersionsEndpoint
from .why import WhyEndpoint

# Never inside ATOMIC_REQUESTS: what was done is said after its commit, and a transaction that can't begin or commit is
# a 503, or for a list its fallback.
urlpatterns = [
    path("lists/", outside_transactions(ListsEndpoint.as_view()), name="lists"),
    path("why/", outside_transactions(WhyEndpoint.as_view()), name="why-as-json"),
    path("interactions/", outside_transactions(InteractionsEndpoint.as_view()), name="interactions"),
    path("history/", outside_transactions(HistoryEndpoint.as_view()), name="history"),
    path("history/restore/", outside_transactions(RestoreEndpoint.as_view()), name="restore"),
    path("hidden/", outside_transactions(HiddenEndpoint.as_view()), name="hidden"),
    path("personalisation/", outside_transactions(PersonalisationEndpoint.as_view()), name="personalisation"),
    path("export/", outside_transactions(ExportEndpoint.as_view()), name="export"),
    path("me/", outside_transactions(MeEndpoint.as_view()), name="me"),
    path("retrain/", outside_transactions(RetrainEndpoint.as_view()), name="retrain"),
    path("versions/", outside_transactions(VersionsEndpoint.as_view()), name="versions"),
    path("schema/", outside_transactions(SchemaEndpoint.as_view()), name="schema"),
]
