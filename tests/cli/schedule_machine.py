"""A machine that executes `mbsopt-schedule/1` and /2 as docs/schedule.md says.

It keeps book of each byte of the buffer and of DRAM: who owns it, what is in it, and whether it was
written. With `real` it also moves bytes, and looks whether what is used is what was put there. What
a region should hold is at its `base` in one string for all; where it is in DRAM, others are too at
other times.
"""

import bisect
import json
import random

import strip_machine
from faults import Fault, need  # noqa: F401  (who runs the machine catches them)

OPTIONAL = {"load": {"window_bytes", "passes"}, "store": {"window_bytes"}, "weights_in": {"when"},
            "accumulators_in": {"when"}, "accumulators_out": {"when"}, "free": {"when"},
            "compute": {"fused", "sums", "in_place", "weights", "accumulators", "gemm", "gemm_last", "elements"},
            "update": {"accumulators", "gradient", "state", "weights", "elements"}}
REQUIRED = {"load": {"tensor", "samples", "bytes", "address", "offset"},
            "weights_in": {"bytes", "address", "offset"},
            "accumulators_in": {"bytes", "address", "offset"},
            "accumulators_out": {"bytes", "address", "offset"},
            "compute": {"name", "kind", "samples", "reads", "writes"},
            "update": {"name", "kind", "when", "new_weights"},
            "free": {"regions"}}
REQUIRED["store"] = REQUIRED["load"]


def parse(text):
    """(header, regions, [(group, [command])]) of a file, each line looked at."""
    need(text.endswith("\n"), "no newline at the end")
    lines = [json.loads(line) for line in text.splitlines()]
    header, rest = lines[0], lines[1:]
    need(header["format"] in ("mbsopt-schedule/1", "mbsopt-schedule/2"), "format", header["format"])
    regions, rest = rest[:header["regions"]], rest[header["regions"]:]
    need(all(r["region"] in ("weights", "accumulators", "new_weights", "state", "tensor") for r in regions), "regions")
    groups = []
    for line in rest:
        if "group" in line:
            need(line["group"] == len(groups), "group", line)
            groups.append((line, []))
            continue
        fields = line.keys() - {"do", "step"}
        required, optional = REQUIRED, OPTIONAL
        if "strips" in groups[-1][0]:
            required, optional = strip_machine.REQUIRED, strip_machine.OPTIONAL
        need(required[line["do"]] <= fields, "members missing:", line)
        need(fields <= required[line["do"]] | optional[line["do"]], "unknown members:", line)
        groups[-1][1].append(line)
    need(len(groups) == header["groups"], "groups")
    need(header["format"].endswith("2") == any("strips" in group for group, _ in groups), "format")
    return header, regions, groups


class Written:
    """Which bytes of DRAM were written, as disjoint intervals in order."""

    def __init__(self):
        self.begins, self.ends = [], []

    def add(self, begin, end):
        """Takes note of them; False if any was there before."""
        at = bisect.bisect_right(self.begins, begin)
        if at > 0 and self.ends[at - 1] > begin or \
                at < len(self.begins) and self.begins[at] < end:
            return False
        if at < len(self.begins) and self.begins[at] == end:
            end = self.ends[at]
            del self.begins[at], self.ends[at]
        if at > 0 and self.ends[at - 1] == begin:
            self.ends[at - 1] = end
        else:
            self.begins.insert(at, begin)
            self.ends.insert(at, end)
        return True

    def covers(self, begin, end):
        at = bisect.bisect_right(self.begins, begin)
        return at > 0 and end <= self.ends[at - 1]


class Machine:
    def __init__(self, text, real=False):
        self.header, regions, self.groups = parse(text)
        self.usable = self.header["buffer_bytes"] - self.header["reserved_bytes"]
        self.alignment = self.header["alignment_bytes"]
        self.updates = {command["step"] for _, commands in self.groups for command in commands
                        if command["do"] == "update"}  # steps
        self.moved = dict.fromkeys(("activation_read", "activation_write", "weight_read",
                                    "weight_gradient", *(("optimizer",) if self.updates else ())), 0)
        self.ran = [0] * self.header["steps"]
        self.offsets, self.live = [], {}  # live: offset -> (bytes, content)
        self.highest = 0
        self.real = real
        self.take_regions(regions)
        self.set_anew = set()  # accumulators that a step has set and not added to: (step, offset)
        self.meant = {}  # offset of parameters that nothing has used yet -> the step they came in for
        if real:
            self.expected = random.Random(1).randbytes(self.most)
            self.dram = bytearray(self.header["dram_bytes"])
            self.buffer = bytearray(self.header["buffer_bytes"])

    # DRAM

    def take_regions(self, regions):
        self.regions, self.tensors, self.most = regions, [], 0
        for region in regions:
            need(not self.tensors or region["region"] == "tensor", "parameters come first")
            region["written"] = Written()
            region["base"] = self.most
            self.most += region["bytes"]
            if region["bytes"] == 0:
                need(region["address"] == 0 and not {"first_group", "last_group"} & region.keys(),
                     "region", region)
            else:
                need(region["address"] % 64 == 0 and 0 <= region["address"] and
                     region["address"] + region["bytes"] <= self.header["dram_bytes"], region)
                need(0 <= region["first_group"] <= region["last_group"] < len(self.groups), region)
            if region["region"] == "tensor":
                need(region["tensor"] == len(self.tensors), "tensor", region)
                size = self.header["batch"] * region["bytes_per_sample"]
                need(region["bytes"] in (0, size), region)
                self.most += size - region["bytes"]  # of what never leaves the buffer
                self.tensors.append(region)
            if region.get("filled"):
                need(region["first_group"] == 0, "region", region)
            if region.get("output") or self.stays(region):
                need(region["last_group"] == len(self.groups) - 1, "region", region)
        self.lives, self.begins = [], []  # regions at hand, by address
        self.in_dram = self.most_in_dram = 0
        self.beginning, self.ending = {}, {}
        for region in regions:
            if region["bytes"] > 0:
                self.beginning.setdefault(region["first_group"], []).append(region)
                self.ending.setdefault(region["last_group"], []).append(region)

    def stays(self, region):
        """Whether it must be there, whole, at the end: sums that no update reads, what updates make."""
        return region["region"] == "new_weights" or region["region"] == "accumulators" and not self.updates

    def enter_group(self, number):
        """Regions end and begin; what is new has no data but what it is filled with."""
        for region in self.ending.get(number - 1, []):
            self.end_region(region)
        for region in self.beginning.get(number, []):
            self.begin_region(region)
        self.most_in_dram = max(self.most_in_dram, self.in_dram)

    def end_region(self, region):
        at = self.begins.index(region["address"])
        del self.begins[at], self.lives[at]
        self.in_dram -= region["bytes"]
        if self.real:
            self.look_at_dram(region)
            self.put_in_dram(region, b"\xdd" * region["bytes"])

    def begin_region(self, region):
        begin, end = region["address"], region["address"] + region["bytes"]
        at = bisect.bisect_left(self.begins, begin)
        need(at == 0 or self.lives[at - 1]["address"] + self.lives[at - 1]["bytes"] <= begin,
             "in DRAM overlaps what is below:", region["name"])
        need(at == len(self.begins) or end <= self.begins[at],
             "in DRAM overlaps what is above:", region["name"])
        self.begins.insert(at, begin)
        self.lives.insert(at, region)
        self.in_dram += region["bytes"]
        data = b"\xdd" * region["bytes"] if self.real else b""
        if region.get("filled"):
            region["written"].add(begin, end)
            if self.real:
                data = self.expected[region["base"]:region["base"] + region["bytes"]]
        self.put_in_dram(region, data)

    def put_in_dram(self, region, data):
        if self.real:
            self.dram[region["address"]:region["address"] + region["bytes"]] = data

    def look_at_dram(self, region):
        shift = region["base"] - region["address"]
        for begin, end in zip(region["written"].begins, region["written"].ends):
            need(self.dram[begin:end] == self.expected[begin + shift:end + shift], "DRAM",
                 region["name"])

    def region(self, address, count, content):
        at = bisect.bisect_right(self.begins, address) - 1
        need(at >= 0, "nothing at", address)
        found = self.lives[at]
        need(found["region"] == content and found["address"] <= address and
             address + count <= found["address"] + found["bytes"],
             content, "at", address, count, "is not of region", found["name"])
        return found

    def base(self, address, count, content):
        """Where what these bytes of DRAM should hold is in `expected`."""
        region = self.region(address, count, content)
        return address - region["address"] + region["base"]

    def dram_read(self, address, count, content):
        if count == 0:
            return
        region = self.region(address, count, content)
        need(region["written"].covers(address, address + count),
             "reads what was never written:", region["name"], address, count)
        if self.real:
            base = self.base(address, count, content)
            need(self.dram[address:address + count] == self.expected[base:base + count],
                 "DRAM does not hold", region["name"], address, count)

    def dram_write(self, address, count, content, offset):
        if count == 0:
            return True
        region = self.region(address, count, content)
        need(not region.get("filled"), "writes to", region["name"])
        fresh = region["written"].add(address, address + count)
        if content == "tensor":
            need(fresh, "writes twice to", region["name"])
        if self.real:
            base = self.base(address, count, content)
            source = self.expected[base:base + count]
            if offset is not None:
                source = self.buffer[offset:offset + count]
            self.dram[address:address + count] = source
        return fresh

    # The buffer

    def allocate(self, offset, count, content):
        need(offset % self.alignment == 0, "offset", offset, "is not aligned")
        need(0 <= offset and offset + count <= self.usable, "outside the buffer:", offset, count)
        at = bisect.bisect_right(self.offsets, offset)
        need(at == 0 or self.offsets[at - 1] + self.live[self.offsets[at - 1]][0] <= offset,
             "overlaps what is below", offset)
        need(at == len(self.offsets) or offset + count <= self.offsets[at],
             "overlaps what is above", offset, count)
        self.offsets.insert(at, offset)
        self.live[offset] = (count, content)
        self.highest = max(self.highest, offset + count)

    def fill(self, offset, count, address):
        """Bytes from DRAM, or of what a computation makes of them."""
        if self.real:
            self.buffer[offset:offset + count] = self.dram[address:address + count]

    def release(self, offset, count):
        need(offset in self.live and self.live[offset][0] == count, "frees", offset, count)
        del self.live[offset]
        self.offsets.remove(offset)
        if self.real:
            self.buffer[offset:offset + count] = b"\xee" * count

    def holds(self, offset, count, content):
        need(self.live.get(offset) == (count, content), "expects", content, "at", offset, "found",
             self.live.get(offset))

    def same(self, offset, count, base):
        if self.real:
            need(self.buffer[offset:offset + count] == self.expected[base:base + count],
                 "wrong bytes at", offset)

    # Commands

    def run(self):
        for number, (group, commands) in enumerate(self.groups):
            self.enter_group(number)
            if "strips" in group:
                strip_machine.StripGroup(self, group, commands).run()
            else:
                self.run_group(group, commands)
        need(all(samples == self.header["batch"] for samples in self.ran), "samples", self.ran)
        for region in self.regions:
            if self.stays(region) or region.get("output"):
                need(region["written"].covers(region["address"],
                                              region["address"] + region["bytes"]),
                     region["name"], "is not written")
            need(region["region"] != "state" or region.get("updated"), region["name"], "is not updated")
        total = sum(self.moved.values())
        need({**self.moved, "total": total} == self.header["traffic_bytes"], "traffic", self.moved,
             "expected", self.header["traffic_bytes"])
        need(self.most_in_dram == self.header["dram_peak_bytes"], "most in DRAM", self.most_in_dram)
        if self.real:
            for region in self.lives:
                self.look_at_dram(region)
        return self

    def run_group(self, group, commands):
        count = group["iterations"]
        need((count - 1) * group["sub_batch"] + group["last_samples"] == self.header["batch"] and
             0 < group["last_samples"] <= group["sub_batch"], "samples of group", group)
        for self.iteration in range(count):
            self.first, self.last = self.iteration == 0, self.iteration == count - 1
            self.full = group["sub_batch"]
            self.lo = self.iteration * self.full
            self.samples = group["last_samples"] if self.last else self.full
            self.coming, self.current = set(), None  # steps that operands are for; that ran last
            self.passing = set()  # what comes and goes through the array without the buffer
            for command in commands:
                when = command.get("when")
                if when is None or self.is_time(when):
                    getattr(self, command["do"])(command)
            need(not self.passing, "left over:", self.passing)
            kept = {content[0] for _, content in self.live.values()}
            need(kept <= {"weights", "accumulators"}, "tensors stay:", kept)
        need(not self.live, "left in the buffer:", self.live)

    def is_time(self, when):
        return {"first": self.first, "last": self.last, "not_first": not self.first,
                "not_last": not self.last}[when]

    def before(self, step):
        """The latest step before that is no update; -1: there is none."""
        step -= 1
        while step in self.updates:
            step -= 1
        return step

    def tensor(self, command):
        """(id, first address, bytes) of a transfer in this iteration."""
        tensor = self.tensors[command["tensor"]]
        need(command["do"] == "load" or command["step"] == self.current, "step of", command)
        need(command["samples"] == self.full, "samples", command)
        need(command["bytes"] == self.full * tensor["bytes_per_sample"], "bytes", command)
        return (command["tensor"], command["address"] + self.iteration * command["bytes"],
                self.samples * tensor["bytes_per_sample"])

    def content(self, tensor):
        return ("tensor", tensor, self.lo)

    def load(self, command):
        tensor, address, count = self.tensor(command)
        self.dram_read(address, count, "tensor")
        self.coming.add(command["step"])
        self.moved["activation_read"] += count * command.get("passes", 1)
        if command["offset"] is None:
            self.passing.add(("read", tensor))
            return
        window = command.get("window_bytes")
        self.allocate(command["offset"], window or command["bytes"], self.content(tensor))
        if window is None:
            self.fill(command["offset"], count, address)

    def parameters_in(self, command, kind, counter):
        self.dram_read(command["address"], command["bytes"], kind)
        self.moved[counter] += command["bytes"]
        content = (kind, command["step"], command["address"])
        if command["offset"] is None:
            self.passing.add(content + (command["bytes"],))
        else:
            self.allocate(command["offset"], command["bytes"], content)
            self.meant[command["offset"]] = command["step"]
            self.fill(command["offset"], command["bytes"], command["address"])

    def weights_in(self, command):
        self.parameters_in(command, "weights", "weight_read")

    def accumulators_in(self, command):
        self.parameters_in(command, "accumulators", "weight_gradient")

    def use_weights(self, step, pieces):
        """They are the bytes of one region from its beginning on, in order."""
        address = None
        for offset, count in pieces:
            found = self.live.get(offset) if offset is not None else None
            if offset is None:
                passing = [p for p in self.passing if p[:2] == ("weights", step)]
                need(len(passing) == 1 and passing[0][3] == count, "weights of step", step)
                self.passing.remove(passing[0])
                begin = passing[0][2]
            else:
                # of what layers share, one step's may be another's; their place in DRAM tells
                need(found and found[0] == count and found[1][0] == "weights" and
                     self.meant.pop(offset, step) == step,
                     "weights of step", step, "at", offset)
                begin = found[1][2]
                self.same(offset, count, self.base(begin, count, "weights"))
            need(begin == address if address is not None else begin in self.begins,
                 "weights of step", step, "begin at", begin)
            address = begin + count

    def use_accumulators(self, step, pieces):
        for offset, count in pieces:
            if offset is None:
                was = [p for p in self.passing if p[:2] == ("accumulators", step)]
                need(len(was) == 1 if not self.first else len(was) <= 1, "accumulators of step", step)
                if not was:
                    self.set_anew.add((step, None))
                self.passing -= set(was)
                self.passing.add(("sums", step, count))
            elif self.first and offset not in self.live:
                self.allocate(offset, count, ("accumulators", step, None))
                self.set_anew.add((step, offset))
            else:
                found = self.live.get(offset)
                need(found and found[0] == count and found[1][0] == "accumulators" and
                     self.meant.pop(offset, step) == step,
                     "accumulators of step", step, "at", offset)

    def compute(self, command):
        step = command["step"]
        need(command["samples"] == self.full, "samples", command)
        need(self.ran[step] == self.lo, "step", step, "runs out of order")
        before = self.before(step)
        need(before < 0 or self.ran[before] >= self.lo + self.samples, "step", step, "too early")
        self.ran[step] += self.samples
        need(self.coming <= {step}, "step", step, "runs, but operands came for", self.coming)
        self.coming, self.current = set(), step
        for tensor, offset, count in command["reads"]:
            each = self.tensors[tensor]["bytes_per_sample"]
            if offset is None:
                need(("read", tensor) in self.passing, "tensor", tensor, "does not come in")
                self.passing.remove(("read", tensor))
                continue
            self.holds(offset, count, self.content(tensor))
            if count == self.full * each:
                self.same(offset, self.samples * each,
                          self.tensors[tensor]["base"] + self.lo * each)
        self.use_weights(step, command.get("weights", []))
        self.use_accumulators(step, command.get("accumulators", []))
        if "in_place" in command:  # the operand's region becomes that of what is written first
            read = [place for tensor, *place in command["reads"] if tensor == command["in_place"]]
            need(read == [command["writes"][0][1:]] and read[0][0] is not None, "in place:", command)
            self.release(*read[0])
        for tensor, offset, count in command["writes"]:
            region = self.tensors[tensor]
            if offset is None:
                self.passing.add(("write", tensor))
                continue
            self.allocate(offset, count, self.content(tensor))
            each = region["bytes_per_sample"]
            if self.real and count == self.full * each:
                begin = region["base"] + self.lo * each
                self.buffer[offset:offset + self.samples * each] = \
                    self.expected[begin:begin + self.samples * each]

    def store(self, command):
        tensor, address, count = self.tensor(command)
        offset = command["offset"]
        window = command.get("window_bytes")
        if offset is None:
            need(("write", tensor) in self.passing, "tensor", tensor, "is not made")
            self.passing.remove(("write", tensor))
        else:
            self.holds(offset, window or command["bytes"], self.content(tensor))
        self.moved["activation_write"] += count
        self.dram_write(address, count, "tensor", None if window else offset)

    def accumulators_out(self, command):
        step, offset, count = command["step"], command["offset"], command["bytes"]
        if offset is None:
            need(("sums", step, count) in self.passing, "accumulators of step", step)
            self.passing.remove(("sums", step, count))
        else:
            found = self.live.get(offset)
            need(found and found[0] == count and found[1][:2] == ("accumulators", step),
                 "accumulators of step", step, "at", offset)
        self.moved["weight_gradient"] += count
        if self.real and offset is not None:  # what sums look like is not the machine's matter
            base = self.base(command["address"], count, "accumulators")
            self.buffer[offset:offset + count] = self.expected[base:base + count]
        fresh = self.dram_write(command["address"], count, "accumulators", offset)
        need(fresh or (step, offset) not in self.set_anew, "loses what others have summed up:", command)
        self.set_anew.discard((step, offset))

    def take_gradient(self, adds, pieces):
        """What the step before an update leaves it: passing on its way, or in the buffer."""
        need(self.current == adds, "the gradient of step", adds, "is taken after", self.current)
        for offset, count in pieces:
            if offset is None:
                need(("sums", adds, count) in self.passing, "accumulators of step", adds)
                self.passing.remove(("sums", adds, count))
                self.set_anew.discard((adds, None))
            else:
                found = self.live.get(offset)
                need(found and found[0] == count and found[1][0] == "accumulators", "accumulators of step", adds)
                self.set_anew.discard((adds, offset))

    def update(self, command):
        step, new = command["step"], command["new_weights"]
        none = {"address": 0, "bytes": 0}
        state, old = command.get("state", none), command.get("weights", none)
        batch = self.header["batch"]
        need(self.last and self.ran[step] == 0 and
             (self.ran[step - 1] == batch or self.current == step - 1), "step", step, "is not the time for")
        need(("gradient" in command) != ("accumulators" in command), "gradient of", command)
        if "gradient" in command:
            address, count = command["gradient"]["address"], command["gradient"]["bytes"]
            self.dram_read(address, count, "accumulators")
            self.moved["weight_gradient"] += count
        else:
            self.take_gradient(step - 1, command["accumulators"])
        if state["bytes"] > 0:
            self.dram_read(state["address"], state["bytes"], "state")
            region = self.region(state["address"], state["bytes"], "state")
            need(region["bytes"] == state["bytes"] and "updated" not in region, "state of", command)
            region["updated"] = True
        self.dram_read(old["address"], old["bytes"], "weights")
        need(self.dram_write(new["address"], new["bytes"], "new_weights", None), "writes twice:", command)
        self.moved["optimizer"] += 2 * state["bytes"] + old["bytes"] + new["bytes"]
        self.ran[step] = batch

    def free(self, command):
        step = command["step"]  # the group's last may be an update
        need((self.before(step) if step in self.updates and self.current != step else step) == self.current,
             "step of", command)
        for offset, count in command["regions"]:
            self.release(offset, count)
