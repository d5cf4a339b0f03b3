"""List of architectures; to add one, write its module in `recog.models` and add its configuration here."""

from recog.models.alexnet import AlexNetConfig
from recog.models.classifier import ClassifierConfig
from recog.models.crnn import CRNNConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.resnet import ResNet18Config
from recog.models.yolo import YOLOConfig

Architecture = (
    CRNNConfig
    | CRNNPlateConfig
    | PlateReaderConfig
    | LPRNetConfig
    | AlexNetConfig
    | ResNet18Config
    | MultiTaskConfig
    | ClassifierConfig
    | YOLOConfig
)
"""Configurations of models; the type of ``Config.model`` selects the architecture."""
