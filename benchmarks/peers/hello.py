"""The yardstick: Sanic's hello world, one process, no access log, its own defaults otherwise."""

import sys

from sanic import HTTPResponse, Request, Sanic
from sanic.response import text

app = Sanic("hello", configure_logging=False)


@app.get("/")
async def hello(_request: Request) -> HTTPResponse:
    return text("Hello, world.")


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False, motd=False)
