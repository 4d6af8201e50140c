"""Make tables in Markdown of rows of the files in ``results/``."""

import re

from harness import ORDINARY, between, markdown, ordinary
from providers import WALLS
from summary import overtaking, table

OURS = "numbaexp"
TIMES = "\N{MULTIPLICATION SIGN}"
NAMES = {"numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch", "jax": "JAX", "copy loop": "a copy"}
PEERS = ("numpy", "scipy", "torch", "jax", "numexpr")
SOFTMAX_PEERS = ("torch", "jax", "scipy")
AUTOGRAD_PEER = "torch"
AUTOGRAD_OWN = (OURS, "numbaexp in torch")
CUSTOM_PEERS = ("numpy", "numexpr", "vectorize", "torch", "torch.compile", "copy")
CUSTOM_NAMES = {**NAMES, "vectorize": "Numba's `@vectorize`", "torch.compile": "`torch.compile`", "copy": "a copy"}
WALL = "copy loop"
USUAL = between(*ORDINARY)
SIZES = (1, 1_000, 100_000, 1_000_000, 20_000_000)
TARGETS_SIZES = (100, 10_000, 1_000_000, 100_000_000)
# Providers that are numbaexp, as rows name them, and what is told of them beside the function; None where a row is not
# held against the others.
OWN = {
    OURS: "",
    "numbaexp in torch": ", inside PyTorch",
    "numbaexp, out": ", with `out`",
    "accelerated": ", accelerated",
    "of one that requires grad": ", of a tensor that requires grad",
    "of an array": None,
    "of a tensor of the tape": None,
    "of a tensor of torch": None,
    "numbaexp, all rows from Python": None,
}
# Of the README: (file, function, type, elements or shape), and the peers.
SHORT = (
    ("speed", "exp", "float32", "100000"),
    ("speed", "exp", "float32", "20000000"),
    ("speed", "exp", "float64", "20000000"),
    ("speed", "log", "float64", "20000000"),
    ("speed", "sigmoid", "float32", "20000000"),
    ("softmax", "softmax", "float32", "4096 x 1024"),
)
SHORT_PEERS = ("numpy", "torch")
MICROARCHITECTURES = {"znver3": "Zen 3", "znver4": "Zen 4", "znver5": "Zen 5"}


def processor(row):
    """Name the processor of a row, by its maker's name and the microarchitecture."""
    name, _, compiler = row["device"].partition(" (")
    target = compiler.partition(" to LLVM")[0]
    return f"{name}, {MICROARCHITECTURES.get(target, target)}" if target else name.partition(", ")[0]


def measured_on(rows):
    """Tell where, when, on how many threads and with which packages rows were measured: a sentence for each machine."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        threads = row["device"].rpartition(", ")[2]
        told = found.setdefault((processor(row), row["versions"]), {})
        told |= dict.fromkeys((threads, row["date"]) if "date" in row else (threads,))
    return "\n\n".join(
        f"Measured on {name}; {', '.join(sorted(told, key=lambda each: '-' in each))}; {versions}."
        for (name, versions), told in found.items()
    )


def seconds(row):
    """Return the median of a row."""
    return float(row["p50"])


def cases_of(rows, *fields):
    """Return for each case, by some fields, the rows by provider and target."""
    cases: dict[tuple[str, ...], dict[tuple[str, str], dict[str, str]]] = {}
    for row in rows:
        cases.setdefault(tuple(row[field] for field in fields), {})[row["provider"], row["target"]] = row
    return cases


def by_provider(rows, *fields):
    """Return for each case, by some fields, the rows by provider."""
    return {case: {name: row for (name, _), row in of.items()} for case, of in cases_of(rows, *fields).items()}


def times(peer, own):
    """Write how many times as long as ours a peer takes, or nothing where there is none."""
    return f"{seconds(peer) / seconds(own):.2f}" if peer else ""


def takes(peers, names=NAMES):
    """Return the heads of the columns of peers."""
    return [f"{names.get(peer, peer)} takes {TIMES} as long" for peer in peers]


def usual(function):
    """Return the interval of a function's ordinary arguments as rows write it."""
    return between(*ordinary(function))


def elements(shape):
    """Write a number of elements, or a shape."""
    return f"{int(shape):,}" if shape.isdigit() else shape


def accuracy_table(rows):
    """Return the share of results that each provider rounds wrongly."""
    lines = []
    for case in dict.fromkeys((row["function"], row["dtype"], row["from"], row["to"]) for row in rows):
        shares = {
            row["provider"]: int(row["wrong"]) / int(row["inputs"])
            for row in rows
            if (row["function"], row["dtype"], row["from"], row["to"]) == case
        }
        function, dtype, *interval = case
        low, high = (f"{float(bound):.4g}" for bound in interval)
        cells = [f"{shares[p]:.4%}" if shares.get(p) else "0" if p in shares else "" for p in (OURS, *PEERS)]
        lines.append([f"{function}, {dtype}, [{low}, {high}]", *cells])
    names = [NAMES.get(peer, peer) for peer in PEERS]
    return markdown(["results rounded wrongly", OURS, *names], lines)


def short_table(files):
    """Return six cases of each processor, for the README; ``files`` gives the rows of each processor by name."""
    heads = ["function, type, elements"]
    lines = [[", ".join([*case[1:3], elements(case[3])])] for case in SHORT]
    for rows_by_name in files:
        heads += [f"{processor(rows_by_name['speed'][0])}: {OURS} takes for an element", *takes(SHORT_PEERS)]
        for line, (name, function, *others) in zip(lines, SHORT, strict=True):
            rows = [
                row for row in rows_by_name.get(name, ()) if row["interval"] in (USUAL, usual(function), "normal, 3")
            ]
            found = cases_of(rows, "function", "dtype", "shape").get((function, *others), {})
            own = found.get((OURS, "auto"))
            each = f"{seconds(own) / count(others[-1]) * 1e9:.2f} ns" if own else "not measured"
            line += [each, *(times(found.get((peer, "cpu")), own) for peer in SHORT_PEERS)]
    return markdown(heads, lines)


def count(shape):
    """Return the elements of a shape as rows write it."""
    product = 1
    for length in re.findall(r"\d+", shape.partition(",")[0]):
        product *= int(length)
    return product


def speed_table(rows):
    """Return what an element takes, and how long the others take."""
    lines = []
    shown = [row for row in rows if int(row["shape"]) in SIZES] or rows
    for (function, interval, dtype, size), of in cases_of(shown, "function", "interval", "dtype", "shape").items():
        own = of[OURS, "auto"]
        cells = [*(times(of.get((peer, "cpu")), own) for peer in PEERS), times(of.get((WALL, "parallel")), own)]
        where = "" if interval in (USUAL, usual(function)) else f" from {interval}"
        each = f"{seconds(own) / int(size) * 1e9:.3g} ns"
        lines.append([f"{function}, {dtype}, {int(size):,}{where}", each, *cells])
    return markdown(["function, type, elements", f"{OURS} takes for an element", *takes((*PEERS, WALL))], lines)


def softmax_table(rows):
    """Return what a call of a function of rows takes, and how long the others take."""
    lines = []
    for case, of in by_provider(rows, "function", "dtype", "shape").items():
        own = of[OURS]
        cells = [times(of.get(peer), own) for peer in SOFTMAX_PEERS]
        lines.append([", ".join(case), f"{seconds(own) * 1e6:,.4g} µs", *cells])
    found = markdown(["function, type, shape", f"{OURS} takes", *takes(SOFTMAX_PEERS)], lines)
    peaks = ", ".join(
        f"{NAMES.get(row['provider'], row['provider'])} {int(row['peak']) / 1e6:,.0f} MB" for row in rows if row["peak"]
    )
    told = f"Memory that `cross_entropy` and its gradient take there beyond their arguments: {peaks}."
    return f"{found}\n\n{told}" if peaks else found


def autograd_table(rows):
    """Return what forward and backward take together, and how long PyTorch takes; and what a recorded call takes."""
    lines, calls = [], []
    for case, of in by_provider(rows, "function", "dtype", "shape").items():
        if OURS in of:
            cells = [
                cell
                for name in AUTOGRAD_OWN
                for cell in (f"{seconds(of[name]) * 1e3:.3g} ms", times(of[AUTOGRAD_PEER], of[name]))
            ]
            lines.append([f"{case[0]}, {case[1]}, {elements(case[2])}", *cells])
        else:
            calls += [f"{name} {seconds(row) * 1e6:.2f} µs" for name, row in of.items()]
    heads = [
        "forward and backward of",
        "the tape takes",
        *takes([AUTOGRAD_PEER]),
        f"{OURS} inside PyTorch takes",
        *takes([AUTOGRAD_PEER]),
    ]
    found = [markdown(heads, lines)] if lines else []
    return "\n\n".join([*found, f"`exp` of ten elements: {', '.join(calls)}."])


def custom_table(rows):
    """Return what functions take that users write, and how long the same formulas of others take."""
    parameters = {"arrays": "parameters are arrays", "numbers": "parameters are numbers", "gradients": "all gradients"}
    lines = []
    for (name, dtype, kind, size), of in by_provider(rows, "function", "dtype", "interval", "shape").items():
        own = of[OURS]
        cells = [times(of.get(peer), own) for peer in CUSTOM_PEERS]
        what = f"{name.removesuffix('_backward')}, {dtype}, {int(size):,}, {parameters[kind]}"
        lines.append([what, f"{seconds(own) / int(size) * 1e9:.3g} ns", *cells])
    return markdown(
        ["function, type, elements", f"{OURS} takes for an element", *takes(CUSTOM_PEERS, CUSTOM_NAMES)], lines
    )


def compiled_table(rows):
    """Return what users' compiled code takes with numbaexp, and how long without."""
    lines = []
    for (code, dtype, shape), of in by_provider(rows, "function", "dtype", "shape").items():
        (other, theirs), *own = of.items()
        for name, row in own:
            each = f"{seconds(row) / count(shape) * 1e9:.3g} ns an element"
            lines.append(
                [
                    f"{code}, {dtype}, {elements(shape)}",
                    name,
                    each,
                    f"{other}: {times(theirs, row)} {TIMES} as long",
                ]
            )
    return markdown(["code, type, elements", "with", "takes", "others take"], lines, "---")


def startup_table(rows):
    """Return what a new process pays."""
    return markdown(["a new process", "takes"], [[row["function"], f"{seconds(row) * 1e3:.0f} ms"] for row in rows])


def targets_table(rows):
    """Return the throughputs under each target, and where one overtakes another."""
    heads, lines = table([row for row in rows if int(row["shape"]) in TARGETS_SIZES] or rows)
    sentences = "\n".join(f"- {sentence}" for sentence in overtaking(rows))
    return f"10⁹ elements a second:\n\n{markdown(heads, lines)}\n\n{sentences}"


def losses(name, rows):
    """Give (what, peer, elements, factor) of each row by which a peer is faster than numbaexp, of a file of a name."""
    for (function, dtype, interval, shape), of in cases_of(rows, "function", "dtype", "interval", "shape").items():
        special = name == "custom" or (name == "speed" and interval not in (USUAL, usual(function)))
        what = f"{function}, {dtype}{f', {interval}' if special else ''}"
        for (provider, target), row in of.items():
            if provider in OWN or provider in (*WALLS, "copy") or target == "cuda" or stands_in(provider, function):
                continue
            for own, told in OWN.items():
                ours = of.get((own, "cpu")) if name == "compiled" else of.get((own, "auto"))
                if told is not None and ours and f"{seconds(ours) / seconds(row):.2f}" > "1.00":
                    yield f"{what}{told}", provider, elements(shape), seconds(ours) / seconds(row)


def stands_in(provider, code):
    """Tell whether a row is of exp where a library lacks the function of some compiled code."""
    module, _, name = provider.partition(".")
    return module in ("math", "numpy") and bool(name) and name != code.partition(" ")[0]


def losses_table(name, rows):
    """Return a line for each function, type and faster peer, with the sizes and how many times as long ours takes."""
    found: dict[tuple[str, str], list[str]] = {}
    for what, peer, where, factor in losses(name, rows):
        found.setdefault((what, peer), []).append(f"{where}: {factor:.2f}")
    names = {**CUSTOM_NAMES, "Numba": "Numba, not accelerated", "torch.exp of it": "PyTorch"}
    lines = [[what, names.get(peer, peer), "; ".join(cells)] for (what, peer), cells in found.items()]
    if not lines:
        return "No peer is faster here."
    return markdown(["function, type", "faster is", f"elements: {OURS} takes {TIMES} as long"], lines, "---")
