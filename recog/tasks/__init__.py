"""What a batch means: model outputs to losses, predictions and metric counts."""
