"""Why nothing of somebody is read, and so nothing of it can be changed."""

from django.http import HttpRequest

from .. import controls

WHY = {
    controls.Standing.ON: "",
    controls.Standing.OFF: "Personalisation is off",
    controls.Standing.NOT_AGREED: "You have not agreed to it",
}
WHAT = "nothing of you is read or recorded. Whatever was kept before stays unread: see GET export/ and DELETE me/."


def unread(request: HttpRequest) -> str:
    """A sentence for whoever sends this request; "" where everything is read."""
    why = WHY[controls.standing(request)]
    return f"{why}: {WHAT}" if why else ""
