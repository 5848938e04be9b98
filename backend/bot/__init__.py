"""Triage by rules: pure functions over what was written. Of its modules those of a turn are taken
as they were compiled, where they were compiled from these very sources (ADR 0042)."""

from backend.bot import compiled

compiled.use(__path__)
