"""What is wrong with a schedule."""


class Fault(Exception):
    """The schedule does what it may not."""


def need(condition, *what):
    if not condition:
        raise Fault(" ".join(str(w) for w in what))
