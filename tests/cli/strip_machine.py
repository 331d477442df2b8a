"""Strip groups of `mbsopt-schedule/2`, run on the machine of schedule_machine.py.

Of every tensor it keeps book of which bytes of the sample at hand are where: in a ring or a block of
the buffer, or passing through while their step computes.
"""

from faults import need

REQUIRED = {"load": {"tensor", "rows", "bytes", "address", "offset"},
            "weights_in": {"bytes", "address", "offset"},
            "accumulators_in": {"bytes", "address", "offset"},
            "accumulators_out": {"bytes", "address", "offset"},
            "compute": {"name", "kind", "rows", "reads", "writes"},
            "update": {"name", "kind", "when", "new_weights"},
            "free": {"regions"}}
REQUIRED["store"] = REQUIRED["load"]
OPTIONAL = {"load": set(), "store": set(), "weights_in": {"when"}, "accumulators_in": {"when"},
            "accumulators_out": {"when"}, "free": {"when"},
            "compute": {"fused", "sums", "in_place", "weights", "accumulators", "gemm", "rows_in", "elements"},
            "update": {"accumulators", "gradient", "state", "weights", "elements"}}


def after_each(runs, strips):
    """Row counts after each strip, 0 before the first: of `[[TIMES,ROWS,...],...]`."""
    rows = [0]
    for times, *pattern in runs:
        need(times > 0 and pattern and min(pattern) >= 0, "rows", runs)
        for _ in range(times):
            for count in pattern:
                rows.append(rows[-1] + count)
    need(len(rows) == strips + 1, "rows of", strips, "strips:", runs)
    return rows


class Place:
    """A region of the buffer and the bytes [begin, end) of the sample that are in it."""

    def __init__(self, offset, size, is_ring):
        self.offset, self.size, self.is_ring = offset, size, is_ring
        self.begin = self.end = 0

    def pieces(self, begin, end):
        """(offset in the buffer, begin, end) of contiguous parts of bytes [begin, end)."""
        if not self.is_ring:
            yield self.offset + begin - self.begin, begin, end
            return
        while begin < end:
            at = begin % self.size
            part = min(end, begin + self.size - at)
            yield self.offset + at, begin, part
            begin = part


class StripGroup:
    def __init__(self, machine, group, commands):
        self.machine, self.commands = machine, commands
        self.group, self.strips = group, group["strips"]
        self.places = {}   # tensor -> Place of its block, or else of its ring
        self.rings = {}    # tensor -> Place
        self.regions = {}  # (offset, size) of a ring -> the Places of all tensors that share it
        self.coming = {}   # tensor -> (begin, end) of bytes that pass through
        self.leaving = {}
        self.after = []    # per command: rows after each strip
        for command in commands:
            self.after.append(after_each(command["rows"], self.strips) if "rows" in command
                              else None)
        self.needs = {}    # (command, operand) -> rows from which and up to which it reads
        for at, command in enumerate(commands):
            for i, operand in enumerate(command.get("reads", [])):
                need(len(operand) in (3, 5), "operand", operand)
                if len(operand) == 5:
                    self.needs[at, i] = [after_each(runs, self.strips) for runs in operand[3:]]

    # Bytes

    def tensor(self, tensor):
        return self.machine.tensors[tensor]

    def bytes_of_rows(self, tensor, rows):
        region = self.tensor(tensor)
        need(0 <= rows <= region["rows"], "rows of tensor", tensor, rows)
        return -(-rows * region["bytes_per_sample"] // region["rows"])

    def address(self, tensor):
        region = self.tensor(tensor)
        return region["address"] + self.sample * region["bytes_per_sample"]

    def base(self, tensor):
        """Where the sample's bytes are in the machine's `expected`."""
        region = self.tensor(tensor)
        return region["base"] + self.sample * region["bytes_per_sample"]

    def put(self, tensor, place, begin, end):
        """Bytes that arrive or are made follow those that are there; a ring keeps its last ones."""
        need(end - begin <= place.size or place.is_ring, "too many rows of tensor", tensor)
        if place.is_ring:
            need(begin == place.end, "rows of tensor", tensor, "are left out")
            for other in self.regions[place.offset, place.size]:
                if other is not place:
                    need(other.begin >= other.end or other.end <= begin, "rows of tensor", tensor,
                         "meet others in their ring")
                    other.begin = max(other.begin, end - place.size)
            begin = max(begin, end - place.size)
            place.begin = max(place.begin, end - place.size)
        else:
            place.begin = begin
        place.end = end
        if self.machine.real:
            where = self.base(tensor)
            for offset, first, last in place.pieces(begin, end):
                self.machine.buffer[offset:offset + last - first] = \
                    self.machine.expected[where + first:where + last]

    def look(self, tensor, place, begin, end):
        """They are in the buffer."""
        need(begin >= end or place.begin <= begin and end <= place.end, "needs bytes", begin, end,
             "of tensor", tensor, "found", place.begin, place.end)
        for offset, first, last in place.pieces(begin, end):
            self.machine.same(offset, last - first, self.base(tensor) + first)

    # Commands

    def run(self):
        machine, group = self.machine, self.group
        batch = machine.header["batch"]
        need(group["iterations"] == batch * self.strips and group["sub_batch"] == 1 and
             group["last_samples"] == 1 and self.strips > 1, "strips of group", group)
        for tensor, offset, size in group["rings"]:
            if (offset, size) not in self.regions:
                machine.allocate(offset, size, ("ring", tensor))
            self.rings[tensor] = Place(offset, size, True)
            self.regions.setdefault((offset, size), []).append(self.rings[tensor])
        for self.sample in range(batch):
            self.places = dict(self.rings)
            self.come, self.made = {}, {}  # tensor -> rows so far
            self.done = {}  # step -> rows
            for ring in self.rings.values():
                ring.begin = ring.end = 0
            for self.strip in range(self.strips):
                machine.first = self.sample == 0 and self.strip == 0
                machine.last = self.sample == batch - 1 and self.strip == self.strips - 1
                self.run_strip()
            self.end_sample()
        for offset, size in self.regions:
            machine.release(offset, size)
        need(not machine.live, "left in the buffer:", machine.live)

    def run_strip(self):
        machine = self.machine
        machine.coming, machine.current, machine.passing = set(), None, set()
        for at, command in enumerate(self.commands):
            when = command.get("when")
            if when is None or machine.is_time(when):
                getattr(self, command["do"])(at, command)
        need(not (machine.passing or self.coming or self.leaving), "left over")
        kept = {content[0] for _, content in machine.live.values()}
        need(kept <= {"weights", "accumulators", "ring"}, "tensors stay:", kept)

    def end_sample(self):
        for step in range(self.group["first"], self.group["last"] + 1):
            if step not in self.machine.updates:
                need(step in self.done, "step", step, "does not run")
                self.machine.ran[step] += 1
        for tensor, rows in [*self.come.items(), *self.made.items()]:
            need(rows == self.tensor(tensor)["rows"], "rows of tensor", tensor, rows)

    def moved(self, at, command):
        """(tensor, begin, end) in bytes of the rows that the command moves in this strip."""
        tensor = command["tensor"]
        need(command["address"] == self.tensor(tensor)["address"], "address", command)
        rows = self.after[at][self.strip:self.strip + 2]
        need(self.after[at][-1] == self.tensor(tensor)["rows"], "rows", command)
        return tensor, *(self.bytes_of_rows(tensor, n) for n in rows)

    def load(self, at, command):
        tensor, begin, end = self.moved(at, command)
        machine, offset = self.machine, command["offset"]
        machine.dram_read(self.address(tensor) + begin, end - begin, "tensor")
        machine.moved["activation_read"] += end - begin
        machine.coming.add(command["step"])
        self.come[tensor] = self.after[at][self.strip + 1]
        if offset is None:
            need(command["bytes"] == 0, "bytes", command)
            self.coming[tensor] = (begin, end)
        else:
            self.put(tensor, self.begin_place(tensor, offset, command["bytes"]), begin, end)

    def begin_place(self, tensor, offset, size):
        """The tensor's ring, or a block that begins to exist."""
        ring = self.rings.get(tensor)
        if ring is not None:
            need((ring.offset, ring.size) == (offset, size), "ring of tensor", tensor)
            return ring
        self.machine.allocate(offset, size, ("block", tensor))
        self.places[tensor] = Place(offset, size, False)
        return self.places[tensor]

    def weights_in(self, _, command):
        self.machine.weights_in(command)

    def accumulators_in(self, _, command):
        self.machine.accumulators_in(command)

    def accumulators_out(self, _, command):
        self.machine.accumulators_out(command)

    def update(self, _, command):
        self.machine.update(command)

    def read(self, at, i, operand):
        tensor, offset, size = operand[:3]
        before, now = self.after[at][self.strip:self.strip + 2]
        if (at, i) in self.needs:
            start, stop = self.needs[at, i]
            low, high = start[self.strip + 1], stop[self.strip + 1]
        else:
            low, high = before, now
            need(self.after[at][-1] == self.tensor(tensor)["rows"], "rows of tensor", tensor)
        begin, end = self.bytes_of_rows(tensor, low), self.bytes_of_rows(tensor, high)
        if before == now:
            begin = end = 0  # nothing is computed
        place = self.places.get(tensor)
        if offset is not None:
            need(place and (place.offset, place.size) == (offset, size), "place of", tensor)
            self.look(tensor, place, begin, end)
            return
        need(tensor in self.coming, "tensor", tensor, "does not come in")
        first, last = self.coming.pop(tensor)
        need(end <= last, "needs bytes", begin, end, "of tensor", tensor, "that came to", last)
        ring = self.rings.get(tensor)
        need(ring or begin >= min(first, end), "tensor", tensor, "has no ring")
        if ring:
            self.look(tensor, ring, begin, min(first, end))
            self.put(tensor, ring, first, last)

    def replace(self, at, command):
        """What is written first takes the place of an operand, row by row: all that is there of it."""
        tensor = command["in_place"]
        place = self.places[tensor]
        region = [place.offset, place.size]
        rows = self.after[at][self.strip:self.strip + 2]
        need(self.after[at][-1] == self.tensor(tensor)["rows"] and
             [tensor, *region] in command["reads"] and command["writes"][0][1:] == region,
             "in place:", command)
        need((place.begin, place.end) == tuple(self.bytes_of_rows(tensor, n) for n in rows),
             "other rows than the step's of tensor", tensor)
        place.begin = place.end
        if not place.is_ring:
            self.machine.release(*region)
            del self.places[tensor]

    def write(self, at, operand):
        tensor, offset, size = operand
        before, now = self.after[at][self.strip:self.strip + 2]
        all_rows, height = self.after[at][-1], self.tensor(tensor)["rows"]
        if all_rows != height:  # sums, complete at last
            before, now = (height if rows == all_rows else 0 for rows in (before, now))
        need(self.made.get(tensor, 0) == before, "tensor", tensor, "is written twice")
        begin, end = self.bytes_of_rows(tensor, before), self.bytes_of_rows(tensor, now)
        self.made[tensor] = now
        if offset is None:
            self.leaving[tensor] = (begin, end)
        else:
            self.put(tensor, self.begin_place(tensor, offset, size), begin, end)

    def compute(self, at, command):
        machine, step = self.machine, command["step"]
        need(machine.before(step) == (self.group["first"] - 1 if machine.current is None else machine.current)
             or machine.current is None and machine.before(step) < self.group["first"], "step", step)
        need(machine.coming <= {step}, "step", step, "runs, but operands came for", machine.coming)
        machine.coming, machine.current = set(), step
        need(self.after[at][-1] > 0, "step", step, "has no rows")
        self.done[step] = self.after[at][self.strip + 1]
        for i, operand in enumerate(command["reads"]):
            self.read(at, i, operand)
        machine.use_weights(step, command.get("weights", []))
        machine.use_accumulators(step, command.get("accumulators", []))
        if "in_place" in command:
            self.replace(at, command)
        for operand in command["writes"]:
            self.write(at, operand)

    def store(self, at, command):
        tensor, begin, end = self.moved(at, command)
        machine, offset = self.machine, command["offset"]
        need(command["step"] == machine.current, "step of", command)
        pieces = [(None, begin, end)]
        if offset is None:
            need(self.leaving.pop(tensor, None) == (begin, end) and command["bytes"] == 0,
                 "tensor", tensor, "is not made")
        else:
            place = self.places[tensor]
            need((place.offset, place.size) == (offset, command["bytes"]), "place of", tensor)
            self.look(tensor, place, begin, end)
            pieces = place.pieces(begin, end)
        machine.moved["activation_write"] += end - begin
        for at_offset, first, last in pieces:
            machine.dram_write(self.address(tensor) + first, last - first, "tensor", at_offset)

    def free(self, _, command):
        self.machine.free(command)
