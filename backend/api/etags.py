"""Whether a client has an answer already."""


def is_known(etag: str, header: str) -> bool:
    """RFC 9110, 13.1.2: the weak comparison, as a proxy that compresses makes tags weak.

    None of ours has a comma in it.
    """
    known = {one.strip().removeprefix("W/") for one in header.split(",")}
    return etag in known or "*" in known
