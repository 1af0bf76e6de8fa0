"""From bodies, clothes and places to pictures."""
