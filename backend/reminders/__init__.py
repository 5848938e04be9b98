"""提醒: which messages residents have asked for. Sending them is not built yet."""
