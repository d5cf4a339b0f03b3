"""Entry points, one file each: ``python -m launch.train --config=launch/configs/NAME.py --workdir=DIR``."""
