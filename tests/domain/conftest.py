"""No deadline for a single example: a busy machine must not fail a property."""

from hypothesis import settings

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
