"""Two users who save a note each."""

from visit import Visit, session_of


def visits():
    from django.contrib.auth.models import User

    for name in ("alice", "bob"):
        User.objects.create_user(name)
    return [Visit("/", {"text": f"{name}'s"}, session_of(name)) for name in ("alice", "bob")]
