"""Speed and quality numbers, each with the command that made it."""
