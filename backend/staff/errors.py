"""What may be refused about staff and their log-ins."""

from backend.errors import Conflict, Malformed, NotAllowed, Problem


class LogInWrong(Malformed):
    """One answer for an unknown name and for a wrong password."""

    code = "log-in-wrong"
    title = "没有登录成功"
    detail = "用户名或密码不正确。连续输错 5 次，账号会锁定 15 分钟。"


class Locked(Problem):
    """Also said of names that do not exist, so that it tells nothing about who works here."""

    status = 429
    code = "account-locked"
    title = "账号暂时锁定"
    detail = "输错的次数太多，账号已锁定 15 分钟，请稍后再试，或请管理员重置密码。"


class OneTimeOver(Malformed):
    code = "one-time-password-over"
    title = "一次性密码已过期"
    detail = "一次性密码已过期，请管理员重置，再用新的一次性密码登录。"


class CodeWrong(Malformed):
    code = "code-wrong"
    title = "动态码不正确"
    detail = "动态码不正确或已经用过。请等验证器显示下一个 6 位数字，再输入。"


class PasswordWeak(Malformed):
    code = "password-weak"
    title = "密码不够安全"
    detail = "这个密码太短或太常见，请换一个：至少 10 个字符，不含用户名。"


class PasswordWrong(Malformed):
    """To change it, one gives the present one."""

    code = "password-wrong"
    title = "现在的密码不正确"
    detail = "现在的密码不正确，请再输入一次。"


class UsernameTaken(Conflict):
    code = "username-taken"
    title = "用户名已被使用"
    detail = "这个用户名已经有人用了，请换一个。"


class RoleTaken(Conflict):
    code = "role-taken"
    title = "已有这个角色"
    detail = "这位工作人员已经有这个角色，不用重复授予。"


class DoctorUnknown(Malformed):
    code = "doctor-unknown"
    title = "没有这位医生"
    detail = "没有这个工号的医生，或者这位医生不在您管理的机构执业。"


class NotGrantable(NotAllowed):
    code = "role-not-grantable"
    title = "不能授予这个角色"
    detail = "您只能在自己管理的机构里授予医生、机构管理员和审计员的角色。"


class NotAboutYourself(NotAllowed):
    code = "not-about-yourself"
    title = "不能对自己操作"
    detail = "为了不把自己锁在外面，请由另一位管理员来操作。"


class ManagedElsewhere(NotAllowed):
    code = "managed-elsewhere"
    title = "由上级管理"
    detail = "这位工作人员在您管理范围以外还有角色，请由医共体管理员来操作。"
