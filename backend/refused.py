"""What the operator asked for can't be done."""


class Refused(Exception):
    """The text says why, in sentences for the operator; a command prints it and ends with 1."""
