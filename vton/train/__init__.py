"""Training: one loop, the losses by name, and a command line for each network."""
