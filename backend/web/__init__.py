"""HTML edge: the pages of doctors and administrators."""
