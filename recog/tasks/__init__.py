"""Tasks: losses, predictions and metric counts of each kind of label."""
