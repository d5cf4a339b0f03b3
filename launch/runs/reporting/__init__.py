"""Reports of trained models: one page for people, and its parts as JSON, CSV and PNG."""
