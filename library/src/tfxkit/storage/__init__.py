"""Files wherever they are, the layout of what is served, and what steps leave for one another."""
