"""What decides and moves: the gate that a model must pass to be merged."""
