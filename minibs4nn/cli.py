"""The command line: ``python -m minibs4nn train | evaluate | ...``, or ``minibs4nn ...``."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minibs4nn._npy import read_npy
from minibs4nn.analysis import analyse
from minibs4nn.baselines import BNN
from minibs4nn.datasets import Dataset
from minibs4nn.doctor import report
from minibs4nn.errors import BackendError
from minibs4nn.export import to_c_header
from minibs4nn.files import atomic_write
from minibs4nn.kernels import BACKENDS
from minibs4nn.model import BS4NN, S4NN, SpikingNetwork
from minibs4nn.network import Network
from minibs4nn.packed import PackedBS4NN
from minibs4nn.reproduce import DATASETS, claims, recorded, run, summary
from minibs4nn.rules import BS4NN_PUBLISHED, S4NN_PUBLISHED
from minibs4nn.storage import load
from minibs4nn.study import run_study, studies
from minibs4nn.training import LearningRule, checkpoint, trained_on

__all__ = ["main"]

HIDDEN = {"s4nn": 400, "bs4nn": 600, "bnn": 600}  # as published for MNIST
AGAIN = "nothing was left to train; to run it again, give a new folder: --results FOLDER"
BENCHMARKS = ("training_step", "inference", "cost_growth", "memory")
SCRIPTS = Path(__file__).parents[1] / "benchmarks"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 if all went well, 1 on bad input, 130 after Ctrl-C.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands behind ``minibs4nn`` on the command line; None for the real one.

    Returns
    -------
    int

    Examples
    --------
    >>> main(["evaluate", "no such file.npz"])
    1
    """
    options = _parser().parse_args(arguments)
    try:
        status = int(options.run(options))
        print(end="", flush=True)  # here, where an error can be told
        return status
    except KeyboardInterrupt:
        print("minibs4nn: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # who reads our output, such as head, has seen enough
        return 1
    except (BackendError, OSError, ValueError, ArithmeticError) as error:
        print(f"minibs4nn: {error}", file=sys.stderr)
        return 1
    except MemoryError as error:
        print(f"minibs4nn: not enough memory: {error}", file=sys.stderr)
        return 1
    finally:
        _drop_what_cannot_be_written()


def _drop_what_cannot_be_written() -> None:
    """Let nothing be left in the buffer of a broken output: Python would complain at its end."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minibs4nn", description="Train and judge binarized single-spike networks."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser(
        "train",
        help="train a network and print its accuracy on the test set",
        description="Train a network and print its accuracy on the test set. The network is saved "
        "after every epoch; the same command again goes on where it stopped.",
    )
    train.add_argument("--model", choices=sorted(HIDDEN), default="bs4nn")
    train.add_argument("--dataset", choices=sorted(DATASETS), default="mnist")
    train.add_argument("--epochs", type=int, default=10, help="of the whole run (default: 10)")
    train.add_argument("--out", type=Path, required=True, help="file to save to, such as run.npz")
    train.add_argument(
        "--hidden", type=int, nargs="*", help="sizes of the hidden layers (default: as published)"
    )
    train.add_argument("--seed", type=int, default=0)
    train.add_argument(
        "--validation", type=float, help="fraction of the training images to hold out and watch"
    )
    train.add_argument("--threshold", type=float, help="of every neuron (default: 100)")
    train.add_argument("--learning-rate", type=float, help="instead of the published one")
    train.add_argument("--gamma", type=int, help="instead of the published one")
    train.add_argument("--backend", choices=BACKENDS, default="auto")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    train.add_argument("--overwrite", action="store_true", help="start anew if the file exists")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="print the accuracy of a saved network")
    _add_network(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(run=_evaluate)

    analysis = commands.add_parser(
        "analyse",
        help="say when a network decides, on how many spikes, and how robustly",
        description="Print when a network decides, on how many spikes, how it answers by a "
        "deadline, with other thresholds, and with jitter on its input.",
    )
    _add_network(analysis)
    analysis.add_argument("--images", type=int, help="only so many, from the first (default: all)")
    analysis.add_argument("--seed", type=int, default=0, help="of the jitter")
    analysis.add_argument(
        "--out", type=Path, help="folder for analysis.json, and for figures if matplotlib is there"
    )
    analysis.set_defaults(run=_analyse)

    pack = commands.add_parser(
        "pack",
        help="write a trained BS4NN as one bit per synapse",
        description="Write what a trained BS4NN needs to decide: one bit per synapse. evaluate "
        "reads the file, and so does minibs4nn.load.",
    )
    pack.add_argument("file", type=Path, help="what train or reproduce has saved")
    pack.add_argument("--out", type=Path, required=True, help="file to write, such as net.bits")
    pack.add_argument("--c-header", type=Path, help="also write it as a C header, such as net.h")
    pack.set_defaults(run=_pack)

    reproduce = commands.add_parser(
        "reproduce",
        help="test the papers' claims",
        description="Train for a claim of the papers and record what came out. A run that was "
        "stopped goes on where it was; a seed that is recorded is not run again.",
    )
    reproduce.add_argument("claim", nargs="?", help="its name, as --list shows it")
    reproduce.add_argument("--list", action="store_true", help="claims, our figures, their state")
    reproduce.add_argument("--study", help="train the variants of a study, such as rule-ablation")
    reproduce.add_argument("--seed", type=int, nargs="*", help="only these (default: all)")
    reproduce.add_argument("--results", type=Path, default=Path("results"))
    reproduce.add_argument("--backend", choices=BACKENDS, default="auto")
    reproduce.add_argument("--quiet", action="store_true", help="no progress bar")
    reproduce.set_defaults(run=_reproduce)

    grade = commands.add_parser(
        "grade",
        help="grade exercise notebooks",
        description="Grade notebooks of one assignment. Each runs in a process of its own, with "
        "limits and without network; the points are decided outside it.",
    )
    grade.add_argument("assignment", help="such as exercises/03_forward")
    grade.add_argument("submissions", type=Path, nargs="+", help="notebooks, or folders of them")
    grade.add_argument(
        "--out", type=Path, help="folder for grades.json and feedback/NAME.html (default: none)"
    )
    grade.add_argument("--jobs", type=int, default=1, help="how many at a time (default: 1)")
    grade.add_argument("--seconds", type=float, default=300.0, help="for each (default: 300)")
    grade.add_argument("--memory", type=int, default=1024, help="in MiB, for each (default: 1024)")
    grade.add_argument("--seed", type=int, help="of the test inputs (default: drawn, and recorded)")
    grade.add_argument(
        "--at-least", type=int, default=0, help="exit with status 1 if one has fewer points"
    )
    grade.set_defaults(run=_grade)

    bench = commands.add_parser(
        "bench",
        help="measure speed and memory, and print ratios",
        description="Run benchmarks of the repository, on an idle machine: some minutes in all.",
    )
    bench.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which of {', '.join(BENCHMARKS)} (default: all)"
    )
    bench.add_argument("--out", type=Path, help="folder for NAME.json (default: none)")
    bench.set_defaults(run=_bench)

    gpu_check = commands.add_parser(
        "gpu-check",
        help="compare this machine's GPU with the reference, and measure it",
        description="Compare this machine's GPU with the reference, bit for bit, measure it, and "
        "write a dated report. Without a GPU: say what is missing.",
    )
    gpu_check.add_argument("--out", type=Path, default=Path("results/gpu"))
    gpu_check.add_argument(
        "--images", type=int, default=60_000, help="of one epoch (default: all 60000)"
    )
    gpu_check.set_defaults(run=_gpu_check)

    doctor = commands.add_parser(
        "doctor", help="say what works here, what is missing, and how to install it"
    )
    doctor.set_defaults(run=lambda options: min(report(), 1))
    return parser


def _add_network(command: argparse.ArgumentParser) -> None:
    """Let a command take a network, from a file or from weights, and images to judge it by."""
    command.add_argument("file", type=Path, nargs="?", help="a saved network; or --weights")
    command.add_argument(
        "--weights",
        type=Path,
        nargs="+",
        metavar="NPY",
        help="instead of a network its weights, one .npy file of shape (n_out, n_in) or (n_out, "
        "n_in, 1) per layer after the input",
    )
    command.add_argument(
        "--scale",
        type=float,
        nargs="+",
        help="with --weights: a BS4NN with this scale, one number or one per layer (default: an "
        "S4NN)",
    )
    command.add_argument(
        "--threshold",
        type=float,
        nargs="+",
        help="with --weights: one number or one per layer (default: 100)",
    )
    command.add_argument("--dataset", choices=sorted(DATASETS), default="mnist")
    command.add_argument("--part", choices=("test", "train"), default="test")
    command.add_argument("--backend", choices=BACKENDS, default="auto")


def _network_and_images(options: argparse.Namespace, where: str) -> tuple[Any, Dataset]:
    """The network that the options of :func:`_add_network` name, and the images."""
    if (options.file is None) == (options.weights is None):
        raise ValueError(f"{where}: give the file of a network, or its --weights; one of the two")
    if options.weights is None:
        if options.scale is not None or options.threshold is not None:
            raise ValueError(f"{where}: --scale and --threshold belong to --weights")
        net = load(options.file, backend=options.backend)
    else:
        net = _from_weights(options)
    train, test = DATASETS[options.dataset]()
    return net, train if options.part == "train" else test


def _from_weights(options: argparse.Namespace) -> S4NN | BS4NN:
    """A network from the weight files of another program."""
    weights = [read_npy(path) for path in options.weights]
    threshold = options.threshold or [100.0]
    if len(threshold) == 1:
        threshold = threshold[0]
    if options.scale is None:
        return S4NN.from_weights(weights, threshold=threshold, backend=options.backend)
    scale = options.scale[0] if len(options.scale) == 1 else options.scale
    return BS4NN.from_weights(weights, threshold=threshold, scale=scale, backend=options.backend)


def _train(options: argparse.Namespace) -> int:
    if options.epochs < 1:
        raise ValueError(f"train: --epochs must be 1 or more, got {options.epochs}")
    _need_file("train", "--out", options.out)
    train, test = DATASETS[options.dataset]()
    net = _network(options, train)
    done = len(net.history_)
    if done:
        print(f"{options.out} holds {done} epochs of this run; going on from there")
    if options.epochs > done:
        try:
            net.fit(
                train.images,
                train.labels,
                epochs=options.epochs,
                rule=_rule(options),
                validation=options.validation,
                callbacks=[checkpoint(options.out)],
                progress=not options.quiet,
            )
        except KeyboardInterrupt:
            kept = len(net.history_)
            message = f"{kept} epochs are in {options.out}; the same command goes on from there"
            print(message if kept else "stopped before the end of the first epoch", file=sys.stderr)
            raise
    print(f"{type(net).__name__} {'-'.join(map(str, net.layers))}, {len(net.history_)} epochs")
    if len(net.history_) > done:
        seconds = net.history_["seconds"][done:]
        print(f"{seconds.mean():.2f} s per epoch, {seconds.min():.2f} s the fastest")
    print(f"{options.dataset} test set: {net.evaluate(test.images, test.labels)}")
    return 0


def _network(options: argparse.Namespace, train: Dataset) -> Network:
    """The network in ``--out`` if it belongs to this run, or a new one."""
    hidden = options.hidden if options.hidden is not None else [HIDDEN[options.model]]
    layers = (train.images[0].size, *hidden, 10)
    kinds: dict[str, type[Network]] = {"s4nn": S4NN, "bs4nn": BS4NN, "bnn": BNN}
    kind = kinds[options.model]
    if kind is BNN and options.threshold is not None:
        raise ValueError("train: --threshold belongs to s4nn and bs4nn")
    threshold = 100.0 if options.threshold is None else options.threshold
    if options.out.exists() and not options.overwrite:
        net: Network | PackedBS4NN = load(options.out, backend=options.backend)
        if isinstance(net, PackedBS4NN):
            raise ValueError(
                f"train: {options.out} holds a packed network, which cannot be trained; give "
                "another --out, or --overwrite to lose it"
            )
        if type(net) is not kind or net.layers != layers or net.seed != options.seed:
            raise ValueError(
                f"train: {options.out} holds another run ({type(net).__name__} {net.layers}, seed "
                f"{net.seed}); give another --out, or --overwrite to lose it"
            )
        if other := _differences(options, net, threshold, train):
            raise ValueError(
                f"train: {options.out} holds a run with other settings: {', '.join(other)}; give "
                "the same, another --out, or --overwrite to lose it"
            )
        return net
    if kind is BNN:
        return BNN(layers, seed=options.seed)
    spiking = S4NN if kind is S4NN else BS4NN
    return spiking(layers, threshold=threshold, seed=options.seed, backend=options.backend)


def _differences(
    options: argparse.Namespace, net: Network, threshold: float, train: Dataset
) -> list[str]:
    """The options by which a command differs from the run that a file holds."""
    asked = trained_on(train.labels.astype(np.int64), options.validation or 0.0)
    known = net.trained_on_ or asked  # a file of an earlier version does not say
    differs = {
        "--threshold": isinstance(net, SpikingNetwork)
        and any((theta != threshold).any() for theta in net.threshold),
        "--learning-rate": options.learning_rate not in (None, _of_rule(net, "learning_rate")),
        "--gamma": options.gamma not in (None, _of_rule(net, "gamma")),
        "--dataset": known["labels"] != asked["labels"],
        "--validation": known["held_out"] != asked["held_out"],
    }
    return [option for option, is_other in differs.items() if is_other]


def _of_rule(net: Network, setting: str) -> float | None:
    """A setting of the rule that a network was trained with; None if it has no such setting."""
    number: float | None = getattr(net.rule_, setting, None)
    return number


def _need_file(command: str, option: str, path: Path) -> None:
    """Refuse a place where no file can be written, before any work is done."""
    if path.is_dir():
        raise ValueError(f"{command}: {option} {path} is a folder; give the name of a file")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ValueError(f"{command}: the folder of {option} {path} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise ValueError(f"{command}: the folder of {option} {path} cannot be written to")


def _need_folder(command: str, option: str, path: Path | None) -> None:
    """Refuse a place where no folder can be, before any work is done."""
    if path is not None and path.exists() and not path.is_dir():
        raise ValueError(f"{command}: {option} {path} is a file; give a folder")


def _rule(options: argparse.Namespace) -> LearningRule | None:
    """The published rule with what the command line changes; None where it changes nothing."""
    changes = {"learning_rate": options.learning_rate, "gamma": options.gamma}
    changes = {name: value for name, value in changes.items() if value is not None}
    if not changes:
        return None
    if options.model == "bnn":
        raise ValueError("train: --learning-rate and --gamma belong to s4nn and bs4nn")
    published = S4NN_PUBLISHED if options.model == "s4nn" else BS4NN_PUBLISHED
    return dataclasses.replace(published, **changes)


def _evaluate(options: argparse.Namespace) -> int:
    net, images = _network_and_images(options, "evaluate")
    evaluation = net.evaluate(images.images, images.labels)
    print(json.dumps(evaluation.as_dict(), indent=2) if options.json else evaluation)
    return 0


def _analyse(options: argparse.Namespace) -> int:
    _need_folder("analyse", "--out", options.out)
    net, images = _network_and_images(options, "analyse")
    if not isinstance(net, S4NN | BS4NN | PackedBS4NN):
        raise ValueError(
            f"analyse: {options.file} holds a {type(net).__name__}, which has no spikes"
        )
    if options.images is not None:
        if options.images < 1:
            raise ValueError(f"analyse: --images must be 1 or more, got {options.images}")
        images = images[: options.images]
    found = analyse(net, images.images, images.labels, seed=options.seed)
    print(f"{images.name}, {len(images)} images")
    print(found)
    if options.out is not None:
        written = found.save(options.out)
        print(f"{options.out}: {', '.join(path.name for path in written)}")
        if len(written) == 1:
            print("no figures, for they need matplotlib: pip install 'minibs4nn[plot]'")
    return 0


def _pack(options: argparse.Namespace) -> int:
    written = {"--out": options.out}
    if options.c_header is not None:
        written["--c-header"] = options.c_header
    for option, path in written.items():
        _need_file("pack", option, path)
    if len({path.resolve() for path in (options.file, *written.values())}) <= len(written):
        raise ValueError(
            f"pack: {' and '.join(written)} must name new files, and not {options.file}: packed "
            "weights cannot be trained any more"
        )
    net = load(options.file)
    if isinstance(net, BS4NN):
        net = net.pack()
    if not isinstance(net, PackedBS4NN):
        raise ValueError(
            f"pack: {options.file} holds a {type(net).__name__}; only a BS4NN has one-bit weights"
        )
    net.save(options.out)
    print(f"{net}: {options.out} has {options.out.stat().st_size} bytes")
    if options.c_header is not None:
        text = to_c_header(net)
        with atomic_write(options.c_header) as file:
            file.write(text.encode())
        print(f"{options.c_header}: bs4nn_predict() in C99; for a program add -DBS4NN_MAIN")
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    _need_folder("reproduce", "--results", options.results)
    if options.study is not None:
        return _study(options)
    known = claims()
    if options.list or options.claim is None:
        for claim in known.values():
            print(summary(claim, list(recorded(claim, options.results))))
        return 0
    if options.claim not in known:
        raise ValueError(f"reproduce: no claim {options.claim!r}; there are {', '.join(known)}")
    claim = known[options.claim]
    left = 0
    for seed in options.seed or claim.seeds:
        if claim.path(options.results, seed, ".json").exists():
            print(f"{claim.name}, seed {seed}: recorded already")
            continue
        left += 1
        record = run(
            claim, seed, options.results, backend=options.backend, progress=not options.quiet
        )
        claimed = "" if claim.claimed is None else f" (claimed {claim.claimed:.1%})"
        for which in ("last", "best"):
            found = record[which]
            print(
                f"{claim.name}, seed {seed}, {which} epoch: accuracy {found['accuracy']:.2%}, "
                f"published counter {found['published_accuracy']:.2%}{claimed}"
            )
    if not left:
        print(AGAIN)
    return 0


def _study(options: argparse.Namespace) -> int:
    known = studies()
    if options.study not in known:
        raise ValueError(f"reproduce: no study {options.study!r}; there are {', '.join(known)}")
    study, progress = known[options.study], not options.quiet
    path = study.path(options.results)
    before = path.read_bytes() if path.exists() else b""
    record = run_study(study, options.results, backend=options.backend, progress=progress)
    print("validation accuracy, published counter, tied and silent images after the last epoch")
    for variant in record["variants"]:
        shares = "failed: a scale fell to zero"
        if "last" in variant:
            names = ("accuracy", "published_accuracy", "tied", "silent")
            shares = "  ".join(f"{variant['last'][name]:7.2%}" for name in names)
        print(f"{shares}  {variant['name']}")
    if path.read_bytes() == before:
        print(AGAIN)
    return 0


def _grade(options: argparse.Namespace) -> int:
    # Imported here: nobody who trains a network needs it.
    from minibs4nn.grader import Grade, Limits, grade, table, write_reports
    from minibs4nn.grader.sandbox import LEAST_MEMORY, MOST_MEMORY, MOST_SECONDS

    # Those of Limits, in the words of the options: memory in MiB.
    jobs, seconds, memory = options.jobs, options.seconds, options.memory
    least, most = LEAST_MEMORY >> 20, MOST_MEMORY >> 20
    if jobs < 1 or not 0 < seconds <= MOST_SECONDS or not least <= memory <= most:
        raise ValueError(
            f"grade: --jobs must be 1 or more, --seconds above 0 and up to {MOST_SECONDS}, "
            f"--memory {least} or more and up to {most}, got {jobs}, {seconds} and {memory}"
        )
    if options.seed is not None and options.seed < 0:
        raise ValueError(f"grade: --seed must be 0 or more, got {options.seed}")
    _need_folder("grade", "--out", options.out)

    def tell(done: Grade) -> None:
        print(f"{done.name!r}: {done.points} of {done.maximum}", file=sys.stderr, flush=True)

    limits = Limits(seconds=seconds, memory=memory << 20)
    hidden = [options.out] if options.out is not None else []
    seed, grades = grade(
        options.assignment,
        options.submissions,
        seed=options.seed,
        limits=limits,
        jobs=jobs,
        hidden=hidden,
        progress=tell,
    )
    print(table(grades))
    if not all(all(done.isolation.values()) for done in grades):
        print(
            "grade: this system does not let processes be shut in completely (see grades.json); "
            "grade notebooks of strangers on another one",
            file=sys.stderr,
        )
    if options.out is not None:
        assignment = Path(options.assignment).name
        written = write_reports(options.out, assignment, seed, grades)
        print(f"{written[0]} and {len(written) - 1} pages of feedback (seed {seed})")
    return int(any(done.points < options.at_least for done in grades))


def _bench(options: argparse.Namespace) -> int:
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        raise ValueError(f"bench: no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    _need_folder("bench", "--out", options.out)
    if not SCRIPTS.is_dir():
        raise ValueError(
            f"bench: there is no folder {SCRIPTS}; the benchmarks belong to the repository: get a "
            "copy of it, and use make bench there"
        )
    for name in options.names or BENCHMARKS:
        out = [] if options.out is None else ["--out", str(options.out / f"{name}.json")]
        # Each in a process of its own: one of them measures the memory that a process takes.
        done = subprocess.run([sys.executable, str(SCRIPTS / f"{name}.py"), *out], check=False)
        if done.returncode:
            return 1
    return 0


def _gpu_check(options: argparse.Namespace) -> int:
    from minibs4nn import gpu_check
    from minibs4nn.kernels.gpu_probe import usable_gpu

    if options.images < 1:
        raise ValueError(f"gpu-check: --images must be 1 or more, got {options.images}")
    if usable_gpu().cupy is None:
        print(gpu_check.missing(), file=sys.stderr)
        return 1
    record = gpu_check.examine(gpu_check.Sizes(train=options.images))
    print(gpu_check.markdown(record))
    print(f"written to {gpu_check.write(record, options.out)}")
    return int(not all(record["exact"].values()))
