"""Chapters 03 and 06: how good is a network, counted honestly.

One label per image, whatever the output neurons did: that is ``accuracy``. Beside it stand the
authors' more lenient counter, and the shares of images that were tied or on which nobody fired,
without which an accuracy of a spiking network says little.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from minibs4nn._checks import AnyArray, FloatArray, IntArray, SpikeTimes
from minibs4nn.forward import decide, published_correct

__all__ = ["Evaluation", "Outcomes", "judge"]


@dataclass(frozen=True)
class Evaluation:
    """What a network did on a set of images.

    Attributes
    ----------
    n : int
        Number of images.
    accuracy : float, 0 to 1
        Strict: one label per image, by the rule ``"first-spike"`` of :func:`~minibs4nn.decide`.
    published_accuracy : float, 0 to 1
        By the authors' counter, which credits a tie with the label.
    tied : float, 0 to 1
        Share of images on which two or more output neurons were first together.
    silent : float, 0 to 1
        Share of images on which no output neuron fired.
    decision_time : float, time steps
        Mean time of the first output spike; a silent image counts as ``t_max``.
    spikes : float
        Mean number of spikes per image, of all neurons, inputs included, in the whole window.
    synaptic_operations : float
        Mean number of additions per image: each spike, times the neurons that hear it.
    """

    n: int
    accuracy: float
    published_accuracy: float
    tied: float
    silent: float
    decision_time: float
    spikes: float
    synaptic_operations: float

    def __str__(self) -> str:
        return (
            f"accuracy {self.accuracy:.2%} (published counter {self.published_accuracy:.2%}), "
            f"tied {self.tied:.2%}, silent {self.silent:.2%}, "
            f"decision at {self.decision_time:.1f} steps, {self.spikes:.1f} spikes and "
            f"{self.synaptic_operations:.0f} additions per image ({self.n} images)"
        )

    def as_dict(self) -> dict[str, float]:
        """Return the fields as a dictionary, for JSON."""
        return asdict(self)


@dataclass
class Outcomes:
    """Per image: whether it was right, tied or silent, and when it was decided.

    Attributes
    ----------
    correct, published, tied, silent : bool arrays, shape (n,)
    decision_time : int16 array, shape (n,), time steps
    """

    correct: npt.NDArray[np.bool_]
    published: npt.NDArray[np.bool_]
    tied: npt.NDArray[np.bool_]
    silent: npt.NDArray[np.bool_]
    decision_time: SpikeTimes

    @classmethod
    def of(cls, n: int) -> "Outcomes":
        """Return room for the outcomes of ``n`` images."""
        correct, published, tied, silent = (np.zeros(n, dtype=np.bool_) for _ in range(4))
        return cls(correct, published, tied, silent, np.zeros(n, dtype=np.int16))

    def __setitem__(self, image: int, outcomes: "Outcomes") -> None:
        """Enter the outcomes of one image."""
        for field in fields(self):
            getattr(self, field.name)[image] = getattr(outcomes, field.name)[0]

    def means(self) -> dict[str, float]:
        """Return the share or the mean of each, under the names of :class:`Evaluation`."""
        return {
            "accuracy": float(self.correct.mean()),
            "published_accuracy": float(self.published.mean()),
            "tied": float(self.tied.mean()),
            "silent": float(self.silent.mean()),
            "decision_time": float(self.decision_time.mean()),
        }


def judge(
    spike_times: SpikeTimes,
    potential: AnyArray,
    late_potential: AnyArray,
    labels: IntArray,
    *,
    threshold: FloatArray,
    t_max: int,
) -> Outcomes:
    """Compare the output neurons with the labels, image by image.

    Parameters
    ----------
    spike_times : int16 array, shape (n, n_classes), time steps 0 to t_max
    potential, late_potential : arrays, shape (n, n_classes)
        As :func:`~minibs4nn.layer_spike_times` and :func:`~minibs4nn.potential_at` step
        ``t_max - 3`` give them; the latter is read only where all outputs are silent.
    labels : int64 array, shape (n,)
    threshold : float64 array, shape (n_classes,)
        In the unit of the potential.
    t_max : int, time steps

    Returns
    -------
    Outcomes

    Examples
    --------
    >>> outcomes = judge(np.array([[9, 4, 4]]), np.array([[7, 5, 6]]), np.zeros((1, 3)),
    ...                  np.array([1]), threshold=np.zeros(3), t_max=16)
    >>> outcomes.correct.tolist(), outcomes.published.tolist(), outcomes.tied.tolist()
    ([False], [True], [True])
    """
    first = spike_times.min(axis=1)
    predicted = decide(spike_times, potential, threshold=threshold, t_max=t_max)
    return Outcomes(
        correct=predicted == labels,
        published=published_correct(spike_times, late_potential, labels, t_max=t_max),
        tied=((spike_times == first[:, None]).sum(axis=1) > 1) & (first < t_max),
        silent=first == t_max,
        decision_time=first,
    )
