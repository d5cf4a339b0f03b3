"""Task-agnostic training: one step, one loop, checkpoints."""
