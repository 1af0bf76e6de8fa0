"""Where people are: floors, walls, furniture, light."""
