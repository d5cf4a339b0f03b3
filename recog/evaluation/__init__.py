"""Reports and pictures of what a model reads."""
