"""Softmax regression in PyTorch, with numbaexp's operators under PyTorch's autograd and its optimiser.

One sees the losses of ``softmax_regression.py``, which trains the same model with ``numbaexp.autograd`` from the same
start and in the same order, and how little they differ from those here: by the rounding of matrix products and sums,
which each library adds up in its own order.
"""

from collections.abc import Sequence
from pathlib import Path

import drawing
import numpy as np
import softmax_regression
import torch
from softmax_regression import BATCHES, EPOCHS, RATE, History

import numbaexp


def train() -> History:
    """Train by stochastic gradient descent."""
    training, held_out = softmax_regression.digits()
    pixels, classes = torch.from_numpy(training.pixels), torch.from_numpy(training.classes)
    weights, biases = (torch.from_numpy(values) for values in softmax_regression.start(pixels.shape[1]))
    model = [weights.requires_grad_(), biases.requires_grad_()]
    optimiser = torch.optim.SGD(model, lr=RATE)
    history = History(np.empty((EPOCHS, BATCHES)), np.empty(EPOCHS))
    for epoch in range(EPOCHS):
        for number, batch in enumerate(softmax_regression.batches(epoch)):
            loss = numbaexp.cross_entropy(pixels[batch] @ weights + biases, classes[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            history.losses[epoch, number] = loss.item()
        trained = weights.detach().numpy(), biases.detach().numpy()
        history.accuracies[epoch] = softmax_regression.accuracy(*trained, held_out)
    return history


def relative_difference(one: History, other: History) -> np.ndarray:
    """Of the losses of each batch."""
    return np.abs(one.losses / other.losses - 1)


def draw(path: Path, by_tape: History, by_torch: History) -> None:
    epochs = np.arange(1, EPOCHS + 1)
    with drawing.panels(path, 2) as (loss, difference):
        loss.semilogy(
            epochs,
            by_tape.losses.mean(1),
            color=drawing.COLOURS["numbaexp"],
            linewidth=6,
            alpha=0.35,
            label="numbaexp.autograd",
        )
        loss.semilogy(epochs, by_torch.losses.mean(1), color=drawing.COLOURS["torch"], label="torch's autograd")
        loss.set_title("loss on the training digits")
        loss.set_xlabel("epoch")
        loss.set_ylabel("cross entropy, mean of the epoch, nats")
        loss.set_yticks([0.2, 0.5, 1], ["0.2", "0.5", "1"])
        loss.minorticks_off()
        loss.legend()
        greatest = relative_difference(by_torch, by_tape).max(1)
        difference.plot(epochs, 1e16 * greatest, "o-", color=drawing.COLOURS["torch"])
        difference.set_title("difference of a batch's loss, the greatest in the epoch")
        difference.set_xlabel("epoch")
        difference.set_ylabel("relative difference, 10⁻¹⁶")


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    # With matrices as small as these, threads wait for each other longer than they compute.
    torch.set_num_threads(1)
    by_tape, by_torch = softmax_regression.train(), train()
    for name, history in (("numbaexp.autograd", by_tape), ("torch's autograd", by_torch)):
        print(
            f"{name:18} loss of the last epoch {history.losses[-1].mean():.12f}, "
            f"{history.accuracies[-1]:.1%} of the held-out digits told right"
        )
    print(f"greatest relative difference of a batch's loss: {relative_difference(by_torch, by_tape).max():.1e}")
    draw(path, by_tape, by_torch)


if __name__ == "__main__":
    main()
