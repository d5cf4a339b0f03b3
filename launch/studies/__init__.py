"""Published ablations: ``python -m launch.ablate --study=NAME --config.data.train=SPEC --workdir=DIR``."""
