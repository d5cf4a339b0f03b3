"""Weights from elsewhere become a work folder that evaluates and exports; the public ones read what they are known to."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from launch.config import to_json
from launch.evaluate import evaluate
from launch.export import export
from launch.import_weights import SOURCES, convert, import_weights
from recog.alphabet import CHINESE_PLATES
from recog.importing.state_dict import WeightsError
