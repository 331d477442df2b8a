"""Which rows each strip of a group makes and keeps, and what that takes of the buffer: section 11, read on its own."""

SAME = ("same",)


def map_of_file(entry):
    """A map as a plan file has it, as a tuple of its kind and figures."""
    return (entry["kind"], *(entry[name] for name in ("window", "stride", "pad") if name in entry))


def clamp(x, high):
    return max(0, min(x, high))


def ceil_div(a, b):
    return -(-a // b)


def need(row_map, n, step_rows, height):
    """How many rows of an operand of `height` rows the first n of a step's rows need."""
    if n == 0:
        return 0
    kind, *g = row_map
    if kind == "same":
        return n
    if kind == "window":
        k, s, p = g
        return clamp((n - 1) * s - p + k, height)
    if kind == "transposed":
        k, s, p = g
        return min(height, (n - 1 + p) // s + 1)
    if kind == "shifted":
        return clamp(n - g[0], height)
    if kind == "scaled":
        return min(height, n * height // step_rows + 2)
    if kind == "transposed_scaled":
        return min(height, ceil_div((n + 1) * height, step_rows))
    return height


def first(row_map, j, step_rows, height):
    """The first row of an operand that a step's rows from j on need."""
    if j >= step_rows:
        return height
    kind, *g = row_map
    if kind == "same":
        return j
    if kind == "window":
        k, s, p = g
        return clamp(j * s - p, height)
    if kind == "transposed":
        k, s, p = g
        return clamp(ceil_div(j + p - k + 1, s), height)
    if kind == "shifted":
        return clamp(j - g[0], height)
    if kind == "scaled":
        return max(0, j * height // step_rows - 1)
    if kind == "transposed_scaled":
        return max(0, ceil_div((j - 1) * height, step_rows) - 1)
    return 0


class Progress:
    """
    Of a group of steps and its strips: progress[k][i], the rows that step k has done after strip i; there[t][i], those of
    tensor t that are there then; low[t][i], the first that strip i still uses. Tensors of 0 bytes (statistics) count as
    any other here.
    """

    def __init__(self, plan, group):
        self.tensors = plan["tensors"]
        self.steps = plan["steps"][group["first"]:group["last"] + 1]
        self.strips = group.get("strips", 1)
        self.producer, self.readers = {}, {}
        for s in self.steps:
            for t in s["reads"]:
                self.readers.setdefault(t, []).append(s)
            for t in s["writes"]:
                self.producer[t] = s
        self.progress = {}
        for s in reversed(self.steps):
            self.progress[s["id"]] = [self.rows_done(s, i) for i in range(self.strips)]
        touched = sorted({t for s in self.steps for t in s["reads"] + s["writes"]})
        self.there = {t: [self.rows_there(t, i) for i in range(self.strips)] for t in touched}
        self.low = {t: [self.lowest(t, i) for i in range(self.strips)] for t in touched}
        self.rows, self.kept = {}, {}
        for t in touched:
            there, low = self.there[t], self.low[t]
            self.rows[t] = max(n - l for n, l in zip(there, low))
            self.kept[t] = max((n - l for n, l in zip(there, low[1:])), default=0)
            if t in self.producer and not self.is_same(t):
                self.rows[t] = self.kept[t] = self.height(t)

    def height(self, t):
        return self.tensors[t]["rows"]

    def is_same(self, t):
        return self.height(t) == self.producer[t]["rows"]

    def needed(self, s, t, n):
        return need(s.get("maps", {}).get(t, SAME), n, s["rows"], self.height(t))

    def done(self, s, i):
        return 0 if i < 0 else self.progress[s["id"]][i]

    def rows_done(self, s, i):
        if i == self.strips - 1:
            return s["rows"]
        demands = []
        for t in s["writes"]:
            for reader in self.readers.get(t, []):
                wanted = self.needed(reader, t, self.done(reader, i))
                demands.append(wanted if self.is_same(t) else s["rows"] if wanted > 0 else 0)
        return max(demands) if demands else ceil_div((i + 1) * s["rows"], self.strips)

    def rows_there(self, t, i):
        if i < 0:
            return 0
        if t in self.producer:
            done, s = self.done(self.producer[t], i), self.producer[t]
            return done if self.is_same(t) else self.height(t) if done == s["rows"] else 0
        if i == self.strips - 1:
            return self.height(t)
        return max(self.needed(s, t, self.done(s, i)) for s in self.readers[t])

    def lowest(self, t, i):
        before = self.rows_there(t, i - 1)
        starts = [first(s.get("maps", {}).get(t, SAME), self.done(s, i - 1), s["rows"], self.height(t))
                  for s in self.readers.get(t, [])]
        return min([before] + starts)

    # ---- what that takes ----

    def bytes_of(self, t, rows):
        return ceil_div(rows * self.tensors[t]["bytes"], self.height(t))

    def footprint(self, pinned):
        """The largest footprint of the group's steps, as a strip group."""
        return pinned + max(map(sum, self.footprints()))

    def footprints(self, streamed=None):
        """
        Of each step (what is there for other steps or strips too, what it takes for itself), pinned parameters aside.
        `streamed` are the steps that are; else those for which the rule says so.
        """
        touches = {}
        for s in self.steps:
            for t in s["reads"] + s["writes"]:
                touches.setdefault(t, []).append(s["id"])
        lone, always = set(), 0
        own, shared = ({s["id"]: 0 for s in self.steps} for _ in range(2))
        for s in self.steps:
            mine = [t for t in {*s["reads"], *s["writes"]} if len(touches[t]) == 1]
            parameters = s["weight_bytes"] + s["accumulator_bytes"]
            new = sum(self.bytes_of(t, self.rows[t]) - self.bytes_of(t, self.kept[t]) for t in mine)
            if s["id"] in streamed if streamed is not None else parameters < new:
                lone.update(mine)
                own[s["id"]] += parameters
        for t, steps in touches.items():
            if t in lone:
                always += self.bytes_of(t, self.kept[t])
            elif self.kept[t] > 0:
                always += self.bytes_of(t, self.rows[t])
            else:
                room = own if len(steps) == 1 else shared
                for k in range(steps[0], steps[-1] + 1):
                    room[k] += self.bytes_of(t, self.rows[t])
        return [(always + shared[s["id"]], own[s["id"]]) for s in self.steps]
