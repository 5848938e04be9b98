"""提醒与随访: messages that are asked for, 用药计划. Reminding at the hour is not built yet."""
