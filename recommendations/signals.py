"""What other apps may listen to; senders are RecommenderVersion, each signal brings `version`."""

from django.dispatch import Signal

version_published = Signal()  # a version serves from now on (also after a roll back)
version_rejected = Signal()  # trained, but not good enough
version_failed = Signal()  # the training broke, or its worker died
