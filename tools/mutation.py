"""Change the library in one place, and see whether a test notices; again and again.

    make mutation                                            all modules below
    python tools/mutation.py coding kernels.cpu              some of them
    python tools/mutation.py --record _build/mutation.json

Cosmic Ray makes the changes (``make mutation`` installs it for itself). Each is written into a copy
of the library, and the module's tests run in a process that was forked from this one, where pytest
and Numba are loaded already: so a change takes seconds. A change that no test notices is a hole in
the tests, unless it makes no difference: then the project's record says why.

Verdicts are kept in ``_build/mutation/``. What was noticed is not tried again, what was not is.
The kernels are run as Python, since compiling them would take a minute each time.
"""

import argparse
import ast
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
VERDICTS = ROOT / "_build" / "mutation"
RECORD = ROOT / "results" / "reliability" / "mutation.json"
SEED = 0
MOST = 400  # changes that are tried of a module; of more, a sample
EXAMPLES = 100  # of each property-based test
MEMORY = 8 << 30  # bytes of address space
# The tests of each module, the fast ones first. Those left out take long, or ask nothing new.
TESTS: dict[str, list[str]] = {
    "coding": ["minibs4nn/coding.py", "tests/test_coding.py"],
    "forward": ["minibs4nn/forward.py", "tests/test_forward.py"],
    "targets": ["minibs4nn/targets.py", "tests/test_targets.py"],
    "backward": ["minibs4nn/backward.py", "tests/test_backward.py"],
    "binary": ["minibs4nn/binary.py", "tests/test_binary.py"],
    "packed": ["minibs4nn/packed.py", "tests/test_packed.py"],
    "kernels.cpu": [
        *(
            f"tests/test_equality.py::test_{name}"
            for name in (
                "inputs_are_heard_in_the_order_of_their_indices", "edge_cases",
                "layers_of_more_neurons_than_are_taken_at_once",
                "a_whole_epoch_bit_for_bit", "forward_three_ways",
                "the_memory_layout_does_not_matter", "one_training_step_three_ways",
                "a_run_of_training_in_the_dense_form", "steps_of_exactly_one",
                "steps_of_exactly_plus_one", "a_step_of_exactly_minus_one",
                "layers_that_fill_the_words",
                "a_scale_that_falls_to_zero_is_named",
            )
        ),
    ],
}  # fmt: skip
LEFT_OUT = (
    "mnist or large_layers or reach_the_ends or tenth_of_the_weights or command_line or numpy- or "
    "published_network or changed_bit"
)
# Compiling these would take a minute for every change.
AS_PYTHON = ["kernels.cpu"]
# One other operator for each: of two that differ, one is enough to see whether a test looks.
OPERATORS = [
    f"core/{name}"
    for name in (
        *(
            f"ReplaceBinaryOperator_{pair}"
            for pair in (
                "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv",
                "Pow_Mul", "LShift_RShift", "RShift_LShift", "BitAnd_BitOr", "BitOr_BitAnd",
                "BitXor_BitAnd",
            )
        ),
        *(
            f"ReplaceComparisonOperator_{pair}"
            for pair in (
                "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt",
                "LtE_GtE", "GtE_LtE", "Is_IsNot", "IsNot_Is",
            )
        ),
        "ReplaceUnaryOperator_Delete_USub", "ReplaceUnaryOperator_Delete_Invert",
        "ReplaceUnaryOperator_Delete_Not", "AddNot", "ReplaceTrueWithFalse",
        "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
        "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer",
        "NumberReplacer", "ZeroIterationForLoop",
    )
]  # fmt: skip


ACCUMULATION = "ReplaceAccumulation"
OTHER = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "|=": "&=", "&=": "|=", "^=": "|="}


class Accumulation:
    """An operator that Cosmic Ray has not: it replaces ``+=`` by ``-=``, and so on."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where it can change a node."""
        if node.type == "operator" and node.value in OTHER:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Change it there."""
        node.value = OTHER[node.value]
        return node


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    operator: str
    line: int
    was: str
    now: str
    code: str

    @property
    def name(self) -> str:
        """What tells this mutant from all others."""
        return hashlib.sha256(self.code.encode()).hexdigest()[:16]


def passed_over(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where nothing is changed: annotations, and ``raise`` with the text of its error."""
    places: list[ast.expr | ast.stmt | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            places.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            places.append(node.annotation)
        elif isinstance(node, ast.Raise):
            places.append(node)
    return [
        ((p.lineno, p.col_offset), (p.end_lineno or 0, p.end_col_offset or 0)) for p in places if p
    ]


def mutants(source: str) -> Iterator[Mutant]:
    """All changes of a module; those that give the same program only once."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    over = passed_over(source)
    before = ""
    for part in get_ast(source).children:  # a function or class at a time, since parsing is slow
        text = part.get_code()
        seen = {ast.dump(ast.parse(text))}
        for name in (*OPERATORS, ACCUMULATION):
            operator = Accumulation() if name == ACCUMULATION else get_operator(name)()
            places = [
                (node.parent, start)
                for node in ast_nodes(part)
                for start, _ in operator.mutation_positions(node)
            ]
            for occurrence, (parent, start) in enumerate(places):
                is_star = parent and parent.type in ("parameters", "param", "argument")
                if is_star or any(first <= start < end for first, end in over):
                    continue
                changed = mutate_code(text, operator, occurrence)
                program = ast.dump(ast.parse(changed))
                if program not in seen:
                    seen.add(program)
                    lines = zip(text.splitlines(), changed.splitlines(), strict=False)
                    was, now = next((a.strip(), b.strip()) for a, b in lines if a != b)
                    code = before + changed + source[len(before) + len(text) :]
                    yield Mutant(name.removeprefix("core/"), start[0], was, now, code)
        before += text


def load() -> None:
    """Load once what every child needs, but nothing of this library."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    os.environ.update(threads, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    for name in ("numpy", "numba", "pytest", "hypothesis.extra.numpy"):
        importlib.import_module(name)


def tried(tree: Path, module: str, examples: int, seconds: int, *, loud: bool) -> int:
    """Run tests in a forked process; return its wait status: 0 if all passed."""
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        return status
    try:
        os.setsid()
        os.chdir(tree)
        sys.path.insert(0, str(tree))
        # Or a change of equal length, within a second of the last, would go unseen.
        sys.dont_write_bytecode = not loud
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.alarm(20 * seconds)  # for those that wait and compute nothing
        if not loud:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
        import numba
        import pytest
        from hypothesis import HealthCheck, Phase, settings

        config: Any = numba.config
        config.DISABLE_JIT = module in AS_PYTHON
        settings.register_profile(
            "mutation", max_examples=examples, derandomize=True, deadline=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin",
                     "--hypothesis-profile=mutation", "-o", "addopts=--doctest-modules",
                     "-k", f"not ({LEFT_OUT})"]  # fmt: skip
        if loud:
            arguments += ["--durations=8"]
        code = int(pytest.main([*arguments, *TESTS[module]]))
        if not sys.modules["minibs4nn"].__file__.startswith(str(tree)):  # type: ignore[union-attr]
            code = 77
        sys.stdout.flush()
        os._exit(code)
    except BaseException:
        traceback.print_exc()
        os._exit(78)


def verdict(status: int) -> str:
    """Put a wait status into a word."""
    if os.WIFSIGNALED(status):
        late = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL)
        return "timeout" if late else "killed"
    code = os.WEXITSTATUS(status)
    if code in (0, 1, 2):  # passed, failed, could not even be imported
        return "killed" if code else "survived"
    raise RuntimeError(f"the tests could not be run: exit status {code}")


def examine(module: str, *, most: int, examples: int) -> dict[str, Any]:
    """Try the changes of a module; return how many were noticed, and those that were not."""
    path = Path("minibs4nn", *module.split(".")).with_suffix(".py")
    source = (ROOT / path).read_text()
    every = list(mutants(source))
    random.Random(f"{SEED} {module}").shuffle(every)  # so those tried so far are a fair sample
    some = every[:most]
    VERDICTS.mkdir(parents=True, exist_ok=True)
    notes = VERDICTS / f"{module}.json"
    known: dict[str, str] = json.loads(notes.read_text()) if notes.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("minibs4nn", "tests", "tools"):
            shutil.copytree(ROOT / part, tree / part)
        shutil.copy(ROOT / "pyproject.toml", tree)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        if tried(tree, module, examples, 3600, loud=True) != 0:
            raise SystemExit(f"{module}: the tests fail on the library as it is")
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        for compiled in (tree / path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()
        for n, mutant in enumerate(some):
            if known.get(mutant.name, "survived") == "survived":
                (tree / path).write_text(mutant.code)
                status = tried(tree, module, examples, 10 + int(5 * seconds), loud=False)
                known[mutant.name] = verdict(status)
                fresh = notes.with_suffix(".new")
                fresh.write_text(json.dumps(known, indent=1))
                fresh.replace(notes)  # all or nothing, since this may be stopped at any time
            if known[mutant.name] == "survived":
                print(f"{module} {n + 1}/{len(some)} line {mutant.line}", flush=True)
                print(f"  - {mutant.was}\n  + {mutant.now}", flush=True)
    count = Counter(known[mutant.name] for mutant in some)
    left = [mutant for mutant in some if known[mutant.name] == "survived"]
    print(f"{module}: {len(some)} of {len(every)} tried, {dict(count)}", flush=True)
    return {
        "possible": len(every),
        "tried": len(some),
        "killed": count["killed"],
        "timeouts": count["timeout"],
        "survived": len(left),
        "killed_share": round(1 - len(left) / len(some), 3),
        "examples": examples,
        "tests": TESTS[module],
        "as_python": module in AS_PYTHON,
        "survivors": [
            {"line": m.line, "operator": m.operator, "was": m.was, "now": m.now, "reason": ""}
            for m in sorted(left, key=lambda m: m.line)
        ],
    }


def read(path: Path) -> dict[str, Any]:
    """What a record says of each module; nothing where there is none."""
    return json.loads(path.read_text("utf8"))["modules"] if path.exists() else {}


def record(path: Path, results: dict[str, Any]) -> None:
    """Write results to a file; what it says of other modules stays.

    So do the reasons why changes were not noticed, from the record of the project.
    """
    from minibs4nn.files import write_json
    from minibs4nn.reproduce import circumstances

    reasons = {
        (module, entry["was"], entry["now"]): entry["reason"]
        for module, result in read(RECORD).items()
        for entry in result["survivors"]
    }
    for module, result in results.items():
        for entry in result["survivors"]:
            entry["reason"] = reasons.get((module, entry["was"], entry["now"]), "")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    about = {
        "tool": f"Cosmic Ray {version('cosmic-ray')}",
        "operators": [name.removeprefix("core/") for name in OPERATORS] + [ACCUMULATION],
        "seed": SEED,
        "commit": commit.stdout.strip(),
    }
    write_json(path, circumstances() | about | {"modules": read(path) | results})


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and examine module after module."""
    parser = argparse.ArgumentParser(description="Mutation testing of the library.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--most", type=int, default=MOST, help="changes of a module that are tried")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="of a property-based test")
    parser.add_argument("--record", type=Path, help="write what came of it to this JSON file")
    options = parser.parse_args(arguments)
    load()
    modules = options.modules or TESTS
    results = {m: examine(m, most=options.most, examples=options.examples) for m in modules}
    if options.record:
        record(options.record, results)


if __name__ == "__main__":
    main()
