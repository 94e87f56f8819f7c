"""Why nothing of somebody is read, and so nothing of it can be changed."""

from django.http import HttpRequest

from .. import controls

WHY = {
    controls.Standing.OFF: "Personalisation is off",
    controls.Standing.NOT_AGREED: "You have not agreed to it",
}
NOTHING = "no list reads anything of you, and nothing is recorded"
WHAT = {
    controls.Standing.OFF: f"{NOTHING}. Whatever was kept before stays unread: see GET export/ and DELETE me/.",
    controls.Standing.NOT_AGREED: f"{NOTHING}. Trainings may read what was kept before until you switch "
    "personalisation off: see PUT personalisation/, GET export/ and DELETE me/.",
}


def unread(request: HttpRequest) -> str:
    """A sentence for whoever sends this request; "" where everything is read."""
    standing = controls.standing(request)
    return f"{WHY[standing]}: {WHAT[standing]}" if standing in WHAT else ""
