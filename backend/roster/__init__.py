"""排班管理: the week as staff see it, and every change to templates, schedules and places."""
