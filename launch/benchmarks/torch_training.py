"""Training steps of a PyTorch network, tuned for PyTorch: the rival in `launch.benchmarks.train`.

Autocast to bfloat16 where the configuration says so, TF32 for the rest, cuDNN that tries its algorithms, losses without
waiting for the device (`launch.benchmarks.torch_objectives`), fused or foreach optimizers. The learning rate stays at
its peak and there are no metrics, whereas our step follows its schedule, reads every sample and checks for numbers that
are not finite.
"""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed

from launch.benchmarks import torch_memory
from launch.benchmarks.torch_objectives import make_objective
from launch.benchmarks.torch_readers import count_parameters
from launch.runs.config import Config
from recog.batch import Batch
from recog.tasks.task import Task
from recog.training.optimizers import OptimizerConfig


def make_optimizer(config: OptimizerConfig, parameters: list, device: str) -> torch.optim.Optimizer:
    """The configured optimizer at its peak rate; weights decay, biases and scales do not.

    Raises:
      ValueError: an optimizer that is not implemented.
    """
    rate, groups = config.learning_rate, _groups(parameters, config.weight_decay)
    match config.name:
        case "adadelta":
            return torch.optim.Adadelta(groups, rate, rho=0.9, eps=1e-6, foreach=device == "cuda")
        case "adam":
            return torch.optim.Adam(groups, rate, fused=True)
        case "adamw":
            return torch.optim.AdamW(groups, rate, fused=True)
        case "sgd":
            return torch.optim.SGD(groups, rate, config.momentum, nesterov=config.momentum > 0, fused=True)
        case other:
            raise ValueError(f"optimizer.name={other!r} is not implemented for PyTorch")


def _groups(parameters: list, decay: float) -> list[dict]:
    """Parameters by whether they decay; one group where none does."""
    if not decay:
        return [{"params": parameters, "weight_decay": 0.0}]
    weights, others = [x for x in parameters if x.ndim > 1], [x for x in parameters if x.ndim < 2]
    return [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


class Trainer:
    """A network that trains on one batch, which stays on the device.

    Example::

      trainer = Trainer(config, task, batch, device="cpu")
      loss = trainer.step()  # does not wait for the device
      trainer.wait()

    Args:
      config: model, optimizer and data; nothing is augmented.
      task: the task to be trained; its own model is not used.
      batch: NumPy arrays, every row a sample of full width.
      device: ``cpu`` or ``cuda``.
      mode: mode of ``torch.compile``; None does not compile.
    """

    def __init__(self, config: Config, task: Task, batch: Batch, device: str, mode: str | None = None):
        self.allocated_before = torch_memory.allocated(device)
        self.device, self.mode = device, mode
        self.clip_norm, self.dtype = config.optimizer.clip_norm, getattr(torch, config.model.dtype)
        self.objective = make_objective(config, task, batch).to(device).train()
        self.network = self.objective.network
        self.network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # its stubs lack this form
        self.parameters = count_parameters(self.network)
        self.optimizer = make_optimizer(config.optimizer, list(self.network.parameters()), device)
        # From a view of B H W C, so that it is channels-last in memory.
        self.images = torch.from_numpy(np.array(batch.images)).to(device).permute(0, 3, 1, 2)
        self.scores = torch.compile(self._scores, mode=mode) if mode else self._scores

    def _scores(self, images):
        """The objective's scores, in float32."""
        with torch.autocast(self.device, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            return self.objective(images.float() / 127.5 - 1)

    def step(self):
        """Makes one update; returns the loss before it, a mean over samples, on the device."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.objective.loss(self.scores(self.images))
        loss.backward()
        if self.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.clip_norm)
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
        """Tensors that outlive a step: parameters, batch statistics, labels, the optimizer's state, the pictures."""
        states = [x for state in self.optimizer.state.values() for x in state.values() if torch.is_tensor(x)]
        return [*self.objective.parameters(), *self.objective.buffers(), *states, self.images]
