"""消息: what accounts are told in the mini-program; reminders deliver it further from here."""
