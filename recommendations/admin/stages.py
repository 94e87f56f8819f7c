"""Where a training is, in the words of whoever looks: the worker notes its stages in English."""

from django.utils.translation import gettext_lazy as _

STAGES = {
    "reading the catalog": _("reading the catalog"),
    "counting what is popular": _("counting what is popular"),
    "reading interactions": _("reading interactions"),
    "count": _("counting pairs"),
    "judged fit": _("judged fit"),
    "choose weights": _("choosing weights"),
    "judge": _("judging"),
    "final fit": _("final fit"),
    "export": _("exporting"),
    "checking reasons": _("checking reasons"),
    "publishing": _("publishing"),
}
