"""What can go wrong on purpose. Each kind knows its HTTP status, stable code and Chinese text.

`api/problem.py` turns them into RFC 9457 documents; docs/problems.md lists them all.
A 500 is never raised here: it means a bug.
"""

from typing import Any, ClassVar


class Problem(Exception):
    """An expected refusal. `extra` ends up beside the standard members of the document."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "problem"
    title: ClassVar[str] = "请求未能完成"
    detail: str = "请求未能完成，请稍后再试。"

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail or self.detail)
        if detail is not None:
            self.detail = detail
        self.extra = extra


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = "请先登录"
    detail = "登录已过期，请重新打开小程序。"


class NotAllowed(Problem):
    """The caller may know that the thing exists, and still may not do this."""

    status = 403
    code = "not-allowed"
    title = "没有权限"
    detail = "您没有权限这样做。"


class NotFound(Problem):
    """Also the answer to whoever may not know that the thing exists."""

    status = 404
    code = "not-found"
    title = "没有找到"
    detail = "没有找到您要的内容。"


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = "与现有内容冲突"
    detail = "内容已有变化，请刷新后再试。"


class Malformed(Problem):
    """`field` names what to mend, as a dotted path: `patient.birth_on`."""

    status = 422
    code = "malformed"
    title = "填写有误"
    detail = "填写的内容有误，请检查后再提交。"


class Throttled(Problem):
    """`retry_after_s` says when to come back."""

    status = 429
    code = "throttled"
    title = "操作太频繁"
    detail = "操作太频繁了，请稍等一会儿再试。"

    def __init__(self, retry_after_s: int = 1) -> None:
        super().__init__(retry_after_s=retry_after_s)


class Upstream(Problem):
    """A system we depend on answered badly. `permanent` says whether trying again is useless."""

    status = 502
    code = "upstream"
    title = "外部服务暂时不可用"
    detail = "外部服务暂时没有响应，请稍后再试。"

    def __init__(self, detail: str | None = None, *, permanent: bool = False, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.permanent = permanent


class Busy(Problem):
    """A bounded queue is full, or the database does not answer. Nothing was changed."""

    status = 503
    code = "busy"
    title = "现在人太多了"
    detail = "现在使用的人太多，请稍等几秒再试，您的信息没有丢失。"

    def __init__(self, retry_after_s: int = 2) -> None:
        super().__init__(retry_after_s=retry_after_s)
