"""会话: residents ask, the bot answers what rules can answer, and doctors answer the rest."""
