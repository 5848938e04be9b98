"""家门口 · Jiamenkou: care at your doorstep, for a county medical consortium."""

__version__ = "0.1.0"
