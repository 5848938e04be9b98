"""Pages with their rights: one declaration serves the handler, its checks and its form.

How to add one is in README.md beside this file.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import structlog
from sanic import HTTPResponse, Request, Sanic

from backend import errors
from backend.api import figures, problem, wire
from backend.api.hosts import Hosts
from backend.api.reply import Reply
from backend.api.route import Nothing
from backend.api.service import Service
from backend.api.wire import BODY_MOST
from backend.consortium.directory import directory
from backend.logs import new_request_id, request_id
from backend.protocol import take_larger
from backend.staff import sessions
from backend.web import forms, session
from backend.web.render import PREFIX, SECURE, render
from backend.web.view import View, place_of

log = structlog.get_logger()

HTML = "text/html; charset=utf-8"
Handler = Callable[..., Awaitable[Any]]
Stage = Literal["public", "half", "change", "whole"]
MENDABLE = (403, 404, 409, 413, 415, 422, 429)  # a form comes back with these, nothing typed lost
LOGIN, CODE, PASSWORD = (PREFIX + path for path in ("/login", "/login/code", "/account/password"))


@dataclass(frozen=True, slots=True)
class Show:
    """A page, or (`block`) the part of it that htmx asked for."""

    template: str
    context: dict[str, Any]
    block: str | None = None
    status: int = 200
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Go:
    """To another page, 303; `say` is shown there once."""

    to: str
    say: str = ""
    cookies: tuple[str, ...] = ()


def show(template: str, *, block: str | None = None, **context: Any) -> Show:
    """What a handler returns to show a page: the template's names are the keywords.

    `block`: for htmx, only this block of the template.
    """
    return Show(template, context, block)


def go(to: str, say: str = "", *, cookies: tuple[str, ...] = ()) -> Go:
    """What a handler returns after a deed. `to` begins after `/staff`."""
    return Go(PREFIX + to, say, cookies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    method: str
    path: str
    handler: Handler
    right: str | None
    stage: Stage
    query: type[Any]
    form: type[Any] | None
    on_fault: Handler | None
    words: tuple[str, ...]
    passive: bool
    body_most: int


pages: list[Declared] = []


def page(
    method: str,
    path: str,
    *,
    right: str | None = None,
    query: type[Any] = Nothing,
    form: type[Any] | None = None,
    on_fault: Handler | None = None,
    words: tuple[str, ...] = (),
    stage: Stage = "whole",
    passive: bool = False,
    body_most: int = BODY_MOST,
) -> Callable[[Handler], Handler]:
    """Declare a handler of `View` (and the decoded `form`, and path parameters by name).

    `right`: whoever has it nowhere gets 404; the verb judges where. `query`, `form`: structs.
    `on_fault`: the GET handler that shows the form again when it can't be taken. `words`: the
    fields that are shown to be copied where that refuses as well, the service can't answer, or
    the log-in is over.
    `stage`: how far a log-in must be: "public" none, "half" the password, "change" the second
    factor as well, "whole" also a password of one's own. `passive`: asked by the page itself again
    and again, so no sign of life. `body_most`: bytes of a form, files included.
    """

    def declare(handler: Handler) -> Handler:
        pages.append(
            Declared(
                method=method,
                path=path,
                handler=handler,
                right=right,
                stage=stage,
                query=query,
                form=form,
                on_fault=on_fault,
                words=words,
                passive=passive,
                body_most=body_most,
            )
        )
        return handler

    return declare


class Html(Reply):
    """A page with more than one cookie."""

    __slots__ = ("set_cookies",)

    def __init__(
        self, body: str, status: int, headers: dict[str, str], cookies: tuple[str, ...] = ()
    ) -> None:
        super().__init__(body, status, headers, HTML)
        self.set_cookies = cookies

    @property
    def processed_headers(self) -> Any:
        more = [(b"set-cookie", cookie.encode()) for cookie in self.set_cookies]
        return [*super().processed_headers, *more]


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve every declared page under /staff."""
    for found in pages:
        if found.body_most > BODY_MOST:
            take_larger(app, found.method, PREFIX + found.path, found.body_most)
        app.add_route(
            _serve(found, service),
            PREFIX + found.path,
            methods=["GET", "HEAD"] if found.method == "GET" else [found.method],
            name=f"staff_{found.handler.__module__.rpartition('.')[2]}_{found.handler.__name__}",
            strict_slashes=True,
            error_format="json",
        )


def _serve(declared: Declared, service: Service) -> Callable[..., Coroutine[Any, Any, Any]]:
    hosts = Hosts(service.settings.allowed_hosts)
    observe = figures.observer(declared.method, PREFIX + declared.path)

    async def serve(request: Request, **parameters: Any) -> HTTPResponse | None:
        began = time.perf_counter()
        request_id.set(new_request_id())
        view = View(request, service)
        try:
            hosts.check(request)
            response = await _answer(declared, view, parameters)
        except asyncio.CancelledError:  # by the protocol: nobody is there any more
            observe(499, time.perf_counter() - began)
            raise
        except Exception as error:
            response = _refuse(view, problem.to_problem(error), declared.words)
        observe(response.status if response else 200, time.perf_counter() - began)
        return response

    return serve


async def _answer(
    declared: Declared, view: View, parameters: dict[str, Any]
) -> HTTPResponse | None:
    away = await _let_in(declared, view)
    if away is not None:
        _keep_words(declared, view)
        return _gone(view, away)
    if declared.method == "POST":
        _check_source(declared, view)
    elif not view.htmx:
        view.flash = session.flash_of(view.service.vault, view.request)
    view.query = wire.read_query(view.request.query_string, declared.query)
    result = await _handled(declared, view, parameters)
    if isinstance(result, Go):
        return _gone(view, result)
    if isinstance(result, Show):
        return _shown(view, result)
    response: HTTPResponse | None = result
    return response


async def _let_in(declared: Declared, view: View) -> Go | None:
    """Where to go instead, if the log-in is not as far as the page wants.

    Raises NotFound: the right is missing.
    """
    token = session.token_of(view.request)
    if token:
        try:
            view.login = await sessions.verify(
                view.service.settings.consortium_id, token, noticed=not declared.passive
            )
        except errors.Unauthenticated:
            view.login = None
    if declared.stage == "public":
        return None
    login = view.login
    if login is None:
        return Go(_with_next(LOGIN, view), cookies=(session.closed(),) if token else ())
    if declared.stage == "half":
        return Go(PREFIX + "/") if login.passed else None
    if not login.passed:
        return Go(_with_next(CODE, view))
    if login.must_change and declared.stage != "change":
        return Go(_with_next(PASSWORD, view))
    if declared.right is not None:
        login.actor.must(declared.right)
    if login.whole and login.actor.grants:
        county = await directory(login.actor.consortium_id)
        view.institution = place_of(login.actor.grants[0], county)
    return None


def _keep_words(declared: Declared, view: View) -> None:
    """Raises Unauthenticated: something was written, which would be lost on the way to the log-in.

    It goes back to the browser that has sent it, from a page of ours, and nowhere else.
    """
    if declared.method != "POST" or not declared.words:
        return
    session.check_origin(view.request)
    view.sent = forms.receive(view.request, declared.body_most)
    if any(view.sent.one(name) for name in declared.words):
        raise errors.Unauthenticated("登录已过期，刚才写的没有存下。请先复制，再重新登录。")


def _with_next(to: str, view: View) -> str:
    """Back here afterwards, if this was a page that one can come back to."""
    url = view.request.path
    if view.request.query_string:
        url += "?" + view.request.query_string
    if view.request.method != "GET" or view.htmx or session.safe_next(url) == PREFIX + "/":
        return to
    return f"{to}?next={quote(url, safe='/')}"


def _check_source(declared: Declared, view: View) -> None:
    """Raises Forged, and what `forms.receive` raises."""
    session.check_origin(view.request)
    view.sent = forms.receive(view.request, declared.body_most)
    if declared.stage != "public":
        session.check_csrf(view.request, view.service.vault, view.sent.one(session.FIELD))


async def _handled(declared: Declared, view: View, parameters: dict[str, Any]) -> Any:
    """What the handler returns, or its form again with what to mend."""
    try:
        if declared.form is None:
            return await declared.handler(view, **parameters)
        filled = forms.fill(view.sent, declared.form)
        return await declared.handler(view, form=filled, **parameters)
    except errors.Problem as wrong:
        if declared.on_fault is None or wrong.status not in MENDABLE:
            raise
        view.faults = faults_of(wrong)
        again = await declared.on_fault(view, **parameters)
        if not isinstance(again, Show):
            return again
        return Show(again.template, again.context, again.block, wrong.status, again.cookies)


def faults_of(wrong: errors.Problem) -> dict[str, str]:
    """What to mend, by field; "" is for the form as a whole."""
    if isinstance(wrong, forms.FormWrong):
        return {"": wrong.detail} | wrong.faults
    return {str(wrong.extra.get("field") or ""): wrong.detail}


def _shown(view: View, what: Show) -> HTTPResponse:
    body = render(what.template, what.block, {"view": view} | what.context)
    cookies = what.cookies + ((session.flash_shown(),) if view.flash else ())
    return Html(body, what.status, _headers(), cookies)


def _gone(view: View, where: Go) -> HTTPResponse:
    said = (session.flashed(view.service.vault, where.say),) if where.say else ()
    headers = _headers()
    if view.htmx:  # a redirect would be followed by the script, and land in a part of the page
        headers["hx-redirect"] = where.to
        return Html("", 200, headers, where.cookies + said)
    headers["location"] = where.to
    return Html("", 303, headers, where.cookies + said)


def _refuse(view: View, wrong: errors.Problem, words: Sequence[str] = ()) -> HTTPResponse:
    """A page that says what to do next; for htmx a part that goes where problems are shown."""
    headers = _headers()
    if "retry_after_s" in wrong.extra:
        headers["retry-after"] = str(wrong.extra["retry_after_s"])
    if view.htmx:
        headers |= {"hx-retarget": "#problems", "hx-reswap": "innerHTML"}
    block = "problem" if view.htmx else None
    view.faults = view.faults or faults_of(wrong)
    context = {"view": view, "problem": wrong, "request_id": request_id.get(), "words": words}
    return Html(render("problem.html", block, context), wrong.status, headers)


def _headers() -> dict[str, str]:
    return SECURE | {"x-request-id": request_id.get(), "vary": "hx-request"}
