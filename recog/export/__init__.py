"""The serving artifact."""
