"""What shoppers do, recorded."""


def merge_at_login(request, user): ...
