"""Whether the service is ready."""

import msgspec


class ReadyView(msgspec.Struct):
    """`database` and `hub`: `ok` or `unreachable`. Jobs may wait for a moment without any loss."""

    status: str
    database: str
    hub: str
    jobs: str
