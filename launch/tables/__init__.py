"""Tables of the publications: ``python -m launch.tables.NAME``, with our figures beside the published ones."""
