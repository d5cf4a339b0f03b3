"""Library of the entry points: configuration, assembly, work folders, several processes."""
