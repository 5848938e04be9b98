"""排班管理: administrators change templates and schedules; every change says why."""
