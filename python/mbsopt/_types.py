"""What comes back: plain data, which stays valid whatever is done with the library."""

from __future__ import annotations

import dataclasses
import html
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple


class Error(Exception):
    """What went wrong: `status` in a few words, `messages` one line each, as the tool prints them."""

    def __init__(self, status: str, messages: Tuple[str, ...]) -> None:
        super().__init__("\n".join(messages) or status)
        self.status = status
        self.messages = messages


Row = Dict[str, Any]


def _html_table(title: str, rows: Sequence[Row]) -> str:
    """A table for notebooks, with a heading; what is no number is on the left."""
    def cell(value: Any) -> str:
        text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        side = "right" if isinstance(value, (int, float)) and not isinstance(value, bool) else "left"
        return f'<td style="text-align: {side}">{html.escape(text)}</td>'

    columns = list(rows[0]) if rows else []
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(cell(row[name]) for name in columns) + "</tr>" for row in rows)
    return (f"<div><p>{html.escape(title)}</p><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>")


class Plain:
    """A dataclass as plain Python."""

    def to_dict(self) -> Dict[str, Any]:
        """Its members as dicts, lists and numbers."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Traffic(Plain):
    """DRAM bytes of one training step and core."""

    activation_read: int
    activation_write: int
    weight_read: int
    weight_gradient: int
    total: int
    optimizer: int = 0  # of it, state, masters and weights that updates read and write


@dataclass(frozen=True)
class Simulation(Plain):
    """How a plan ran on the machine: time_s is the sum of the five parts that follow it, less both_s."""

    time_s: float
    array_s: float
    vector_s: float
    wait_load_s: float
    wait_room_s: float
    wait_store_s: float
    dram_s: float
    read_bytes: int
    write_bytes: int
    estimate_s: float
    executions: int
    transfers: int
    both_s: float = 0.0  # in which array and vector unit compute at once


@dataclass(frozen=True)
class Group(Plain):
    """Adjacent steps that run together, sub-batch after sub-batch."""

    first: int  # step ids, inclusive
    last: int
    first_step: str  # their names
    last_step: str
    iterations: int
    sub_batch: int  # samples
    passes: int
    peak_bytes: int  # of the buffer
    time_s: float
    energy_j: float
    traffic: Traffic
    strips: int = 1  # an iteration is one of so many strips of a sample; 1: whole samples


@dataclass(frozen=True)
class DramPeak(Plain):
    """What must be in DRAM at one time, where it is most."""

    bytes: int  # the sum of the following
    weights: int
    accumulators: int  # of weight gradients
    tensors: int  # activations and gradients, of all samples
    group: int  # in which it is, from 0
    state: int = 0  # of an optimizer, master weights included


@dataclass(frozen=True)
class Chip(Plain):
    """What the cores of a chip move that run a plan side by side, each on samples of its own."""

    cores: int
    apart: Traffic  # of cores that share nothing
    shared: Traffic  # weights fetched for all at once, their gradients summed up on the chip

    def member(self) -> Dict[str, Any]:
        """As `mbsopt plan --cores --format json` writes it."""
        order = ("activation_read", "activation_write", "weight_read", "weight_gradient", "optimizer", "total")
        return {"cores": self.cores, **{f"{name}_bytes": {key: getattr(traffic, key) for key in order}
                                        for name, traffic in (("apart", self.apart), ("shared", self.shared))}}


@dataclass(frozen=True)
class Plan(Plain):
    """A plan that the library has replayed and found right."""

    network: str
    planner: str
    outcome: str  # "optimal", "feasible" or "heuristic"
    inference: bool
    batch: int  # samples of a mini-batch and core
    buffer_bytes: int
    bound_bytes: Optional[int]  # proven: no plan of the planner's space moves less
    groups: Tuple[Group, ...]
    traffic: Traffic
    time_s: float
    energy_j: float
    utilisation: float  # of the systolic array
    dram_peak: DramPeak
    json: str = field(repr=False)  # the plan file
    chip: Optional[Chip] = None  # of `plan` with `cores`
    given_bytes: Optional[int] = None  # what the plan in the network's own order moves; None: no other was searched for
    given_bound_bytes: Optional[int] = None  # proven: no plan in that order moves less

    @property
    def rows(self) -> List[Row]:
        """A row per group, as pandas.DataFrame takes them."""
        rows = []
        for index, group in enumerate(self.groups):
            row: Row = {"group": index, **group.to_dict()}
            del row["traffic"]
            row.update((f"{name}_bytes", value) for name, value in group.traffic.to_dict().items())
            rows.append(row)
        return rows

    def save(self, path: Any) -> None:
        """Writes the plan file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.json)

    def _title(self) -> str:
        phase = "inference" if self.inference else "training"
        return (f"{self.network} · {phase} · {self.batch} samples per core · {self.buffer_bytes / 2**20:.4g} MiB buffer · "
                f"{self.planner}, {self.outcome} · {self.traffic.total / 1e9:.4g} GB · {self.time_s * 1e3:.4g} ms")

    def __str__(self) -> str:
        return self._title()

    def _repr_html_(self) -> str:
        return _html_table(self._title(), self.rows)


@dataclass(frozen=True)
class Layer(Plain):
    """A layer of a network; sizes are of one sample."""

    name: str
    op: str
    shape: Tuple[int, ...]
    elements: int
    parameters: int


@dataclass(frozen=True)
class Network(Plain):
    """What `mbsopt show` says of a network."""

    name: str
    parameters: int
    layers: Tuple[Layer, ...]
    table: str  # what each layer needs of the buffer, as the tool prints it

    @property
    def rows(self) -> List[Row]:
        return [layer.to_dict() for layer in self.layers]

    def __str__(self) -> str:
        return self.table

    def _repr_html_(self) -> str:
        return _html_table(f"{self.name} · {len(self.layers)} layers · {self.parameters} parameters", self.rows)


@dataclass(frozen=True)
class Member(Plain):
    """A member of a hardware file."""

    name: str
    value: str
    is_stated: bool  # by the file; else it is WaveCore's


@dataclass(frozen=True)
class Machine(Plain):
    """What `mbsopt show` says of a machine."""

    name: str
    digest: str
    members: Tuple[Member, ...]
    table: str

    @property
    def rows(self) -> List[Row]:
        return [member.to_dict() for member in self.members]

    def __str__(self) -> str:
        return self.table

    def _repr_html_(self) -> str:
        return _html_table(f"{self.name} · {self.digest}", self.rows)


@dataclass(frozen=True)
class Sweep(Plain):
    """The rows of a sweep, with the columns that `mbsopt sweep` writes."""

    rows: Tuple[Row, ...]

    def _repr_html_(self) -> str:
        return _html_table(f"{len(self.rows)} points", self.rows)


@dataclass(frozen=True)
class Comparison(Plain):
    """A row per network and planner, with the columns that `mbsopt compare --format csv` writes."""

    rows: Tuple[Row, ...]

    def _repr_html_(self) -> str:
        networks = dict.fromkeys(row["network"] for row in self.rows)
        return _html_table("compared with baseline: " + ", ".join(networks), self.rows)


@dataclass(frozen=True)
class Tradeoff(Plain):
    """Plans that no other is better than in both traffic and time."""

    hardware: str
    baseline: Plan = field(repr=False)
    plans: Tuple[Plan, ...] = field(repr=False)  # the one of least traffic first, the quickest last
    rows: Tuple[Row, ...]  # of each a row, with the columns that `mbsopt tradeoff --format csv` writes

    def _repr_html_(self) -> str:
        return _html_table(f"{self.baseline.network} on {self.hardware}: between least traffic and least time", self.rows)
