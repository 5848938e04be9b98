"""JSON edge: /api/v1. Importing it declares every route."""

from backend.api import (
    appeals,
    appointments,
    attachments,
    clinic,
    conversations,
    directory,
    draws,
    follow_ups,
    inbox,
    login,
    medication_plans,
    patients,
    privacy,
    schedules,
    subscriptions,
    surveys,
    waitlist,
)
from backend.api.chat_live import mount as mount_chat
from backend.api.health import mount as mount_health
from backend.api.live import mount as mount_live
from backend.api.route import mount as mount_api
from backend.api.wechat import mount as mount_wechat

__all__ = [
    "appeals",
    "appointments",
    "attachments",
    "clinic",
    "conversations",
    "directory",
    "draws",
    "follow_ups",
    "inbox",
    "login",
    "medication_plans",
    "mount_api",
    "mount_chat",
    "mount_health",
    "mount_live",
    "mount_wechat",
    "patients",
    "privacy",
    "schedules",
    "subscriptions",
    "surveys",
    "waitlist",
]
