"""Serving of exported artifacts: whole photographs, files, videos and drawings.

Example::

  from recog.export.artifact import Artifact
  from recog.serving import PlateReader

  plate_reader = PlateReader(Artifact.load("finder"), Artifact.load("plates"))
"""

from recog.serving.characters import Character
from recog.serving.plate_reader import Plate, PlateReader

__all__ = ["Character", "Plate", "PlateReader"]
