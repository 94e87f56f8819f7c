from django.urls import path

from .controls import ExportEndpoint, HiddenEndpoint, MeEndpoint, PersonalisationEndpoint
from .edge import outside_transactions
from .history import HistoryEndpoint, RestoreEndpoint
from .interactions import InteractionsEndpoint
from .lists import ListsEndpoint
from .schema import SchemaEndpoint
from .versions import RetrainEndpoint, VersionsEndpoint
from .why import WhyEndpoint

urlpatterns = [
    path("lists/", ListsEndpoint.as_view(), name="lists"),
    path("why/", WhyEndpoint.as_view(), name="why-as-json"),
    # Never inside ATOMIC_REQUESTS: 201 is said after the commit, and a commit that fails is a 503.
    path("interactions/", outside_transactions(InteractionsEndpoint.as_view()), name="interactions"),
    path("history/", HistoryEndpoint.as_view(), name="history"),
    path("history/restore/", RestoreEndpoint.as_view(), name="restore"),
    path("hidden/", HiddenEndpoint.as_view(), name="hidden"),
    path("personalisation/", PersonalisationEndpoint.as_view(), name="personalisation"),
    path("export/", ExportEndpoint.as_view(), name="export"),
    path("me/", MeEndpoint.as_view(), name="me"),
    path("retrain/", RetrainEndpoint.as_view(), name="retrain"),
    path("versions/", VersionsEndpoint.as_view(), name="versions"),
    path("schema/", outside_transactions(SchemaEndpoint.as_view()), name="schema"),
]
