"""Online serving: one HTTP process, and a process for each version of the model that it serves."""
