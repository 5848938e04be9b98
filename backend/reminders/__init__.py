"""提醒与随访: medication plans, follow-ups, messages. Comes later; nothing is here yet."""
