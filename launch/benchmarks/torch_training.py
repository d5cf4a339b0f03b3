"""Training steps of a PyTorch reader, tuned for PyTorch: the rival in `launch.benchmarks.train`.

Autocast to bfloat16 where the configuration says so, TF32 for the rest, cuDNN that tries its algorithms, the native CTC
loss with lengths on the host (on the device each step would wait for them), fused or foreach optimizers. The learning
rate stays at its peak and there are no metrics, whereas our step follows its schedule, reads every sample and checks
for numbers that are not finite.
"""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.benchmarks import torch_memory
from launch.benchmarks.torch_readers import count_parameters, make_reader
from launch.runs.config import Config
from recog.batch import Batch
from recog.training.optimizers import OptimizerConfig


def make_optimizer(config: OptimizerConfig, parameters: list, device: str) -> torch.optim.Optimizer:
    """The configured optimizer at its peak rate.

    Raises:
      ValueError: an optimizer that the measured configurations do not use.
    """
    match config.name:
        case "adadelta":
            return torch.optim.Adadelta(parameters, config.learning_rate, rho=0.9, eps=1e-6, foreach=device == "cuda")
        case "adam":
            return torch.optim.Adam(parameters, config.learning_rate, fused=True)
        case other:
            raise ValueError(f"optimizer.name={other!r} is not implemented for PyTorch: choose adadelta or adam")


class Trainer:
    """A reader that trains on one batch, which stays on the device.

    Example::

      trainer = Trainer(config, classes=37, blank_id=0, batch=batch, device="cpu")
      loss = trainer.step()  # does not wait for the device
      trainer.wait()

    Args:
      config: model, optimizer and data; nothing is augmented.
      classes: the blank included.
      blank_id: id of the blank.
      batch: NumPy arrays, every row a sample of full width.
      device: ``cpu`` or ``cuda``.
      mode: mode of ``torch.compile``; None does not compile.
    """

    def __init__(self, config: Config, classes: int, blank_id: int, batch: Batch, device: str, mode: str | None = None):
        self.allocated_before = torch_memory.allocated(device)
        self.device, self.mode = device, mode
        self.blank_id, self.clip_norm = blank_id, config.optimizer.clip_norm
        self.dtype = getattr(torch, config.model.dtype)
        self.reader = make_reader(config, classes).to(device).train()
        self.reader.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # its stubs lack this form
        self.parameters = count_parameters(self.reader)
        self.optimizer = make_optimizer(config.optimizer, list(self.reader.parameters()), device)
        # From a view of B H W C, so that it is channels-last in memory.
        self.images = torch.from_numpy(np.array(batch.images)).to(device).permute(0, 3, 1, 2)
        self.labels = torch.from_numpy(np.asarray(batch.targets.labels, np.int64)).to(device)
        self.label_lengths = torch.from_numpy(np.asarray(batch.targets.lengths, np.int64))
        self.scores = torch.compile(self._scores, mode=mode) if mode else self._scores

    def _scores(self, images):
        """Log probabilities ``T B K`` in float32."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            logits = self.reader(images.float() / 127.5 - 1)
        return functional.log_softmax(logits.float(), -1)

    def step(self):
        """Makes one update; returns the loss before it, a mean over samples, on the device."""
        self.optimizer.zero_grad(set_to_none=True)
        scores = self.scores(self.images)
        lengths = torch.full(self.label_lengths.shape, scores.shape[0])
        total = functional.ctc_loss(scores, self.labels, lengths, self.label_lengths, self.blank_id, reduction="sum")
        loss = total / len(lengths)
        loss.backward()
        if self.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.reader.parameters(), self.clip_norm)
        self.optimizer.step()
        return loss.detach()

    def wait(self) -> None:
        """Waits until the device has finished all steps."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def peak_bytes(self) -> int:
        """Peak bytes of live tensors during a step, 0 if unknown; call it after a first step."""
        if self.device == "cpu":
            self.optimizer.zero_grad(set_to_none=True)
        return torch_memory.peak_bytes(self.step, self._kept(), self.device, self.allocated_before, self.mode)

    def _kept(self) -> list:
        """Tensors that outlive a step: parameters, batch statistics, the optimizer's state, the batch."""
        states = [x for state in self.optimizer.state.values() for x in state.values() if torch.is_tensor(x)]
        batch = [self.images, self.labels, self.label_lengths]
        return [*self.reader.parameters(), *self.reader.buffers(), *states, *batch]
