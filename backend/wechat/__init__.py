"""微信: the thin client, signed pushes, message templates, and a local WeChat for tests."""
