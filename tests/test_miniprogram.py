"""`/m/`: what a browser gets of the built mini-program, and what it may keep."""

import base64
import gzip
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sanic import Sanic

from backend.api.problem import ProblemHandler
from backend.miniprogram import mount
from backend.protocol import Limits
from backend.serving import listen, serving
from tests.conftest import make_settings
from tests.serving import plain_http
from tests.test_raw_http import exchange

PHONE = "http://127.0.0.1:8001"
SCRIPT, STYLE, CODE = "let a = '首页'", "body { color: #123 }", b"export const a = 1;" * 50
PAGE = (
    f'<meta name="phone" content="{{{{phone}}}}"><style>{STYLE}</style><script>{SCRIPT}</script>'
    '<script type="module" src="app.0123abcd.js"></script>'
)
BROTLI = b"as if it were brotli"  # the service sends what the build wrote, and unpacks nothing
TAB = b"\x89PNG"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    files = {
        "index.html": PAGE.encode(),
        "app.0123abcd.js": CODE,
        "app.0123abcd.js.br": BROTLI,
        "app.0123abcd.js.gz": gzip.compress(CODE, mtime=0),
        "pages.4567cdef.css": STYLE.encode(),
        "tab.89abcdef.png": TAB,
    }
    for name, body in files.items():
        (folder / name).write_bytes(body)
    (tmp_path / "secret.js").write_text("secret")
    return folder


@pytest.fixture
async def port(built: Path) -> AsyncIterator[int]:
    settings = make_settings("sqlite:///nowhere.sqlite3", phone_url=PHONE)
    app = Sanic(
        f"mini-program-{built.parent.name}",
        configure_logging=False,
        error_handler=ProblemHandler(settings.allowed_hosts),
    )
    app.config.update(MOTD=False, AUTO_EXTEND=False, TOUCHUP=False, ACCESS_LOG=False)
    mount(app, settings, built)
    door = listen("127.0.0.1", 0)
    async with serving(app, door, Limits()):
        yield door.getsockname()[1]


@pytest.fixture
async def http(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """It takes no encoding unless a test says so."""
    async with plain_http(
        base_url=f"http://127.0.0.1:{port}",
        headers={"accept-encoding": "identity"},
    ) as client:
        yield client


async def test_the_page_is_asked_for_anew_and_names_the_phone(http: httpx.AsyncClient) -> None:
    answer = await http.get("/m/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert f'content="{PHONE}"' in answer.text


async def test_the_policy_allows_our_own_and_what_stands_in_the_page(
    http: httpx.AsyncClient,
) -> None:
    def hash_of(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    headers = (await http.get("/m/")).headers
    policy = {
        name: values
        for name, *values in (
            part.split() for part in headers["content-security-policy"].split(";")
        )
    }
    assert policy == {
        "default-src": ["'none'"],
        "script-src": ["'self'", hash_of(SCRIPT)],
        "style-src": ["'self'", hash_of(STYLE)],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'", PHONE],
        "form-action": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in headers["permissions-policy"]


async def test_what_has_its_hash_in_its_name_is_kept_for_ever(http: httpx.AsyncClient) -> None:
    for name, media in (
        ("app.0123abcd.js", "text/javascript; charset=utf-8"),
        ("pages.4567cdef.css", "text/css; charset=utf-8"),
        ("tab.89abcdef.png", "image/png"),
    ):
        answer = await http.get("/m/" + name)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == media
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.000,gzip;q=0", None),
        ("*", "br"),
        ("*, br;q=0", "gzip"),
        ("*;q=0", None),
        ("identity", None),
        ("", None),
        ("brotli, gzipped", None),
        (";;,,=q", None),
    ],
)
async def test_the_best_encoding_that_is_offered(
    http: httpx.AsyncClient, accepted: str, encoding: str | None
) -> None:
    bodies = {None: CODE, "gzip": gzip.compress(CODE, mtime=0), "br": BROTLI}
    request = http.build_request("GET", "/m/app.0123abcd.js", headers={"accept-encoding": accepted})
    answer = await http.send(request, stream=True)
    assert answer.headers.get("content-encoding") == encoding
    assert b"".join([part async for part in answer.aiter_raw()]) == bodies[encoding]
    assert answer.headers["content-length"] == str(len(bodies[encoding]))
    assert answer.headers["vary"] == "accept-encoding"


async def test_what_does_not_shrink_comes_as_it_is(http: httpx.AsyncClient) -> None:
    answer = await http.get("/m/tab.89abcdef.png", headers={"accept-encoding": "br, gzip"})
    assert answer.content == TAB
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/m/", "/m/app.0123abcd.js"])
async def test_what_has_not_changed_is_not_sent_again(http: httpx.AsyncClient, path: str) -> None:
    first = await http.get(path)
    etag = first.headers["etag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    for said in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await http.get(path, headers={"if-none-match": said})
        assert (again.status_code, again.content) == (304, b""), said
        kept = ("etag", "vary", "cache-control", "content-security-policy")
        assert {name: again.headers.get(name) for name in kept} == {
            name: first.headers.get(name) for name in kept
        }
        assert "content-encoding" not in again.headers
    for said in ('"other"', etag.strip('"'), etag[:-2] + '"', f'"x{etag[1:]}', ""):
        assert (await http.get(path, headers={"if-none-match": said})).status_code == 200, said


async def test_each_encoding_has_an_etag_of_its_own(http: httpx.AsyncClient) -> None:
    """A cache must not take the packed bytes for the plain ones (RFC 9110, 8.8.3.3)."""
    path = "/m/app.0123abcd.js"
    etags = {
        encoding: (await http.head(path, headers={"accept-encoding": encoding})).headers["etag"]
        for encoding in ("br", "gzip", "identity")
    }
    assert len(set(etags.values())) == 3
    for encoding, etag in etags.items():
        said = {"accept-encoding": encoding, "if-none-match": etag}
        assert (await http.head(path, headers=said)).status_code == 304


@pytest.mark.parametrize("path", ["/m/", "/m/app.0123abcd.js"])
async def test_head_is_get_without_the_body(http: httpx.AsyncClient, port: int, path: str) -> None:
    whole = await http.get(path)
    head = await http.head(path)
    assert (head.status_code, head.headers) == (200, whole.headers)
    said = f"HEAD {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    answer = await exchange(port, said.encode())
    assert answer.endswith(b"\r\n\r\n")  # nothing after the head


@pytest.mark.parametrize(
    "path",
    [
        "/m/index.html", "/m/app.0123abcd.js.br", "/m/app.js", "/m/nothing", "/m/x/app.0123abcd.js",
        "/m/../secret.js", "/m/..%2fsecret.js", "/m/%2e%2e/secret.js", "/m/..%5csecret.js",
        "/m//secret.js", "/m/secret.js%00.js", "/m/%2fetc%2fpasswd",
    ],
)  # fmt: skip
async def test_nothing_else_is_there(port: int, path: str) -> None:
    said = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    head, _, body = (await exchange(port, said.encode())).partition(b"\r\n\r\n")
    assert head.split()[1] in (b"404", b"400")
    assert b"application/problem+json" in head
    assert b"immutable" not in head
    assert b"secret" not in body.replace(path.encode(), b"")


async def test_other_methods_and_hosts_are_refused(http: httpx.AsyncClient) -> None:
    for path in ("/m/", "/m/app.0123abcd.js"):
        posted = await http.post(path)
        assert posted.json()["code"] == "method-not-allowed"
        assert posted.headers["allow"] == "GET, HEAD"
        foreign = await http.get(path, headers={"host": "evil.example"})
        assert foreign.json()["code"] == "host-unknown"


async def test_without_a_phone_the_page_reaches_only_us(built: Path) -> None:
    app = Sanic("mini-program-alone", configure_logging=False)
    app.config.update(MOTD=False, AUTO_EXTEND=False, TOUCHUP=False, ACCESS_LOG=False)
    mount(app, make_settings("sqlite:///nowhere.sqlite3"), built)
    door = listen("127.0.0.1", 0)
    async with serving(app, door, Limits()), plain_http() as http:
        answer = await http.get(f"http://127.0.0.1:{door.getsockname()[1]}/m/")
    assert 'name="phone" content=""' in answer.text
    assert "connect-src 'self';" in answer.headers["content-security-policy"]


def test_without_a_build_there_is_no_such_place(tmp_path: Path) -> None:
    app = Sanic("mini-program-none", configure_logging=False)
    mount(app, make_settings("sqlite:///nowhere.sqlite3"), tmp_path)
    assert app.router.routes == ()
