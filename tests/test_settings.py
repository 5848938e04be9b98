"""What the operator writes: complete in .env.example, judged in one go, never shown."""

import base64
import dataclasses
from pathlib import Path
from uuid import uuid5

import pytest

from backend import environment
from backend.settings import PREFIX, RANGES, TENANTS, Secret, Settings, SettingsError, from_env
from tests.conftest import KEY, make_settings

ROOT = Path(__file__).resolve().parents[1]
GOOD = {"JIAMENKOU_ENCRYPTION_KEYS": f"t1:{KEY}", "JIAMENKOU_INDEX_KEY": KEY}


def faults(**variables: str) -> str:
    """All that is said about these, on top of good ones."""
    with pytest.raises(SettingsError) as raised:
        from_env(GOOD | {PREFIX + name: value for name, value in variables.items()})
    return "\n".join(raised.value.faults)


def test_the_example_names_every_setting_and_no_other() -> None:
    written = set(environment.parse((ROOT / ".env.example").read_text()))
    assert written == {PREFIX + field.name.upper() for field in dataclasses.fields(Settings)}


def test_the_example_shows_the_defaults() -> None:
    written = environment.parse((ROOT / ".env.example").read_text())
    shown = from_env({name: value for name, value in written.items() if value} | GOOD)
    assert shown == from_env(GOOD)


def test_the_example_needs_only_keys_to_start() -> None:
    written = environment.parse((ROOT / ".env.example").read_text())
    assert from_env(written | GOOD) == from_env(GOOD)


def test_values_are_read_by_their_type() -> None:
    settings = from_env(
        GOOD
        | {
            "JIAMENKOU_PORT": "8123",
            "JIAMENKOU_PGBOUNCER": "yes",
            "JIAMENKOU_ALLOWED_HOSTS": "a.example, b.example,",
            "JIAMENKOU_REDIS_URL": "redis://h/0",
            "HOME": "/home/somebody",
        }
    )
    assert (settings.port, settings.pgbouncer) == (8123, True)
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert settings.redis_url is not None
    assert settings.redis_url.reveal() == "redis://h/0"


def test_an_unknown_setting_is_a_fault() -> None:
    """A typing slip would otherwise be a default that nobody wanted."""
    assert "JIAMENKOU_PROT" in faults(PROT="8123")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "80800"),
        ("PORT", "-1"),
        ("PORT", "8000.0"),
        ("PGBOUNCER", "perhaps"),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("DATABASE_POOL", "0"),
        ("TRUSTED_PROXIES", "99"),
        ("SESSION_DAYS", "0"),
        ("SESSION_DAYS", "999999999"),
        ("BOOKING_QUEUE", "0"),
        ("BOOKINGS_PER_MINUTE", "0"),
        ("LOGINS_PER_MINUTE", "0"),
        ("READS_PER_MINUTE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "postgres://h"),
        ("DATABASE_URL", "sqlite://"),
        ("REDIS_URL", "http://h"),
        ("DATABASE_URL", "postgres://[::1/d"),
        ("DATABASE_URL", "postgres://h:99999/d"),
        ("DATABASE_URL", "postgres://u:a/b@h:5432/d"),
        ("REDIS_URL", "redis://h:port/0"),
        ("WECHAT_BASE_URL", "http://h:0"),
        ("PUBLIC_URL", "https://jmk.example:70000"),
        ("PUBLIC_URL", "https://["),
        ("ALLOWED_HOSTS", ","),
        ("ALLOWED_HOSTS", "https://jmk.example"),
        ("ALLOWED_HOSTS", "jmk.example:443"),
        ("CONSORTIUM", "大县"),
        ("WECHAT_BASE_URL", "api.weixin.qq.com"),
        ("WECHAT_BASE_URL", "http://"),
        ("WECHAT_PUSH_AES_KEY", "short"),
        ("PUBLIC_URL", "https://jmk.example/"),
        ("PUBLIC_URL", "jmk.example"),
        ("ENCRYPTION_KEYS", "t1:short"),
        ("ENCRYPTION_KEYS", ""),
        ("ENCRYPTION_KEYS", f"t1:{KEY},t1:{base64.b64encode(b'f' * 32).decode()}"),
        ("INDEX_KEY", base64.b64encode(b"short").decode()),
        ("INDEX_KEY", "not base64"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    assert PREFIX + name in faults(**{name: value})


def test_every_number_has_a_least_and_a_most() -> None:
    numbers = {field.name for field in dataclasses.fields(Settings) if field.type is int}
    assert set(RANGES) == numbers


def test_forms_to_copy_have_the_colons_that_are_read() -> None:
    """What is typed after the model of a full-width colon would be refused."""
    said = faults(ENCRYPTION_KEYS="k1", PHONE_URL="x", WECHAT_TEMPLATES="x")
    example = (ROOT / ".env.example").read_text()
    for form in ("编号:32", "主机:端口", "用途:模板编号"):
        assert form in said
    for form in ("编号:密钥", "用户:密码@主机:5432/", "密码@]主机:6379/", "用途:模板编号"):
        assert form in example


def test_all_faults_are_told_in_one_go() -> None:
    said = faults(WORKERS="0", CONSORTIUM="大县", INDEX_KEY="")
    assert all(name in said for name in ("WORKERS", "CONSORTIUM", "INDEX_KEY"))


def test_several_processes_on_sqlite_are_refused_with_the_reason() -> None:
    said = faults(WORKERS="2")
    assert "SQLite 只能由一个进程写入" in said


def test_several_processes_without_redis_are_refused_with_the_reason() -> None:
    said = faults(WORKERS="2", DATABASE_URL="postgres://h/d")
    assert "Redis" in said


def test_several_processes_with_postgres_and_redis_are_fine() -> None:
    settings = make_settings("postgres://h/d", workers=2, redis_url=Secret("redis://h"))
    assert settings.workers == 2


def test_keys_are_read_in_order() -> None:
    other = base64.b64encode(b"f" * 32).decode()
    settings = from_env(GOOD | {"JIAMENKOU_ENCRYPTION_KEYS": f"new:{KEY}, old:{other}"})
    assert list(settings.keys) == ["new", "old"]
    assert settings.keys["old"] == b"f" * 32


def test_a_secret_does_not_show_itself() -> None:
    hidden = {"wechat_secret": Secret("s3cret"), "redis_url": Secret("redis://:pass@h")}
    settings = make_settings("sqlite://x", **hidden)
    for shown in (repr(settings), str(settings), f"{settings.wechat_secret}"):
        assert "s3cret" not in shown
        assert "pass" not in shown
        assert KEY not in shown


def test_the_consortium_id_follows_from_its_code() -> None:
    assert make_settings("sqlite://x", consortium="anxi").consortium_id == uuid5(TENANTS, "anxi")


def test_the_file_lies_beneath_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\n\nexport JIAMENKOU_PORT=1\nJIAMENKOU_HOST='h'\nOTHER=x\n"
    )
    read = environment.read(tmp_path, {"JIAMENKOU_PORT": "2", "PATH": "/bin"})
    assert read == {"JIAMENKOU_PORT": "2", "JIAMENKOU_HOST": "h"}


def test_no_file_is_no_trouble(tmp_path: Path) -> None:
    assert environment.read(tmp_path, {}) == {}


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JIAMENKOU_PORT=1\nJIAMENKOU_HOST h\n")
    with pytest.raises(SettingsError, match="第 2 行"):
        environment.read(tmp_path, {})


def test_the_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("JIAMENKOU_PORT=1\n", "utf-8-sig")
    assert environment.read(tmp_path, {}) == {"JIAMENKOU_PORT": "1"}


def test_a_file_in_another_encoding_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# 家门口\nJIAMENKOU_PORT=1\n", "gb18030")
    with pytest.raises(SettingsError, match="UTF-8"):
        environment.read(tmp_path, {})


def test_templates_are_a_purpose_and_an_id_each() -> None:
    settings = from_env(GOOD | {"JIAMENKOU_WECHAT_TEMPLATES": "visit:T-1_x, booked:T2"})
    assert list(settings.templates.items()) == [("visit", "T-1_x"), ("booked", "T2")]
    for wrong in ("T1", "birthday:T1", "booked:", "booked:T1,booked:T2", "booked:T 1"):
        assert "JIAMENKOU_WECHAT_TEMPLATES" in faults(WECHAT_TEMPLATES=wrong)
