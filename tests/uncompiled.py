"""The suite tests the bot as it is written, whatever `make setup` has compiled: a failure then
names its line, and functions can be replaced. With TEST_COMPILED it tests what is compiled
(`make compiled`). Import this before anything that imports the bot."""

import os
import sys

import backend.bot
from backend.bot import compiled

assert "backend.bot.triage" not in sys.modules, "too late"

if os.environ.get("TEST_COMPILED"):
    assert compiled.is_used()
else:
    backend.bot.__path__[:] = [str(compiled.SOURCES)]
