"""Softmax regression: a linear model tells handwritten digits apart, trained with ``numbaexp.autograd`` alone.

One sees the loss fall over the epochs, and the accuracy on digits that were held out of the training rise above 95 %.
The data are scikit-learn's ``digits``: 1797 pictures of 8 by 8 pixels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import drawing
import numpy as np

import numbaexp
from numbaexp import autograd

CLASSES = 10
TRAINING = 1297
EPOCHS = 30
BATCHES = 25
RATE = 0.5


class Digits(NamedTuple):
    """Pictures, a row each, with pixels from 0 to 1; and what digit they show."""

    pixels: np.ndarray
    classes: np.ndarray


class History(NamedTuple):
    """The losses of the batches, a row for each epoch; the accuracy on the held-out digits after each epoch."""

    losses: np.ndarray
    accuracies: np.ndarray


def digits() -> tuple[Digits, Digits]:
    """Those to train on, and those held out."""
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    training, held_out = order[:TRAINING], order[TRAINING:]
    return Digits(pixels[training] / 16, classes[training]), Digits(pixels[held_out] / 16, classes[held_out])


def start(pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """The weights and biases before the training."""
    return np.random.default_rng(1).normal(0, 0.01, (pixels, CLASSES)), np.zeros(CLASSES)


def batches(epoch: int) -> list[np.ndarray]:
    """The places of the digits of each batch, in another order in each epoch."""
    order = np.random.default_rng(epoch).permutation(TRAINING)
    return np.array_split(order, BATCHES)


def accuracy(weights: np.ndarray, biases: np.ndarray, given: Digits) -> float:
    """The share of digits that are told right."""
    return float(np.mean((given.pixels @ weights + biases).argmax(1) == given.classes))


def train() -> History:
    """Train by stochastic gradient descent."""
    training, held_out = digits()
    parameters = [autograd.tensor(values, requires_grad=True) for values in start(training.pixels.shape[1])]
    weights, biases = parameters
    history = History(np.empty((EPOCHS, BATCHES)), np.empty(EPOCHS))
    for epoch in range(EPOCHS):
        for number, batch in enumerate(batches(epoch)):
            logits = training.pixels[batch] @ weights + biases
            loss = numbaexp.cross_entropy(logits, training.classes[batch])
            for parameter, gradient in zip(parameters, autograd.grad(loss, parameters), strict=True):
                parameter.data -= RATE * gradient.data
            history.losses[epoch, number] = loss.item()
        history.accuracies[epoch] = accuracy(weights.data, biases.data, held_out)
    return history


def draw(path: Path, history: History) -> None:
    colour = drawing.COLOURS["numbaexp"]
    epochs = np.arange(1, EPOCHS + 1)
    with drawing.panels(path, 2) as (loss, right):
        loss.semilogy(
            np.arange(1, EPOCHS * BATCHES + 1) / BATCHES,
            history.losses.reshape(-1),
            color=colour,
            alpha=0.35,
            label="of each batch",
        )
        loss.semilogy(epochs - 0.5, history.losses.mean(1), color=colour, label="mean of the epoch")
        loss.set_title("loss on the training digits")
        loss.set_xlabel("epochs")
        loss.set_ylabel("cross entropy, nats")
        loss.set_yticks([0.1, 0.2, 0.5, 1, 2], ["0.1", "0.2", "0.5", "1", "2"])
        loss.minorticks_off()
        loss.legend()
        right.plot(epochs, 100 * history.accuracies, "o-", color=colour)
        right.axhline(95, color="0.5", linestyle="--")
        right.set_title("accuracy on the held-out digits")
        right.set_xlabel("epochs")
        right.set_ylabel("told right, %")


def main(arguments: Sequence[str] | None = None) -> None:
    path = drawing.picture_path(__doc__, __file__, arguments)
    history = train()
    for epoch in (1, 2, 5, 10, 20, EPOCHS):
        loss, right = history.losses[epoch - 1].mean(), history.accuracies[epoch - 1]
        print(f"epoch {epoch:2}: loss {loss:.4f}, {right:.1%} of the held-out digits told right")
    draw(path, history)


if __name__ == "__main__":
    main()
