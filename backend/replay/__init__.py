"""政策模拟: a period replayed under another policy, before it is adopted."""
