"""Tensors in the buffer and in DRAM, row by row. Here the row axis comes right after the samples."""

import math

from training_check.layers import Mismatch


def rows_first(x, axis):
    return x[:, None] if axis is None else x.movedim(1 + axis, 1)


def rows_in_place(x, axis):
    return x[:, 0] if axis is None else x.movedim(1, 1 + axis)


class Store:
    """Room in the buffer for so many rows of a tensor: row r is in slot r mod `slots`, in place of what was there."""

    def __init__(self, torch, name, samples, shape, slots):
        self.torch, self.name = torch, name
        self.data = torch.full((samples, slots, *shape), math.nan)
        self.row = [None] * slots
        self.complete = True

    def slots(self, lo, hi):
        return [r % len(self.row) for r in range(lo, hi)]

    @staticmethod
    def index(slots):
        """Much faster than the list, where the rows do not begin again at the first slot."""
        return slice(slots[0], slots[-1] + 1) if slots and slots[-1] >= slots[0] else slots

    def put(self, lo, value):
        slots = self.slots(lo, lo + value.shape[1])
        if len(slots) > len(self.row):
            raise Mismatch(f"{self.name}: {len(slots)} rows do not fit in {len(self.row)}")
        self.data[:, self.index(slots)] = value
        for r, slot in zip(range(lo, lo + len(slots)), slots):
            self.row[slot] = r

    def add(self, value):
        """A part of a sum, which is whole and complete only when its step has done all of its rows."""
        if self.row[0] is None:
            self.put(0, value)
        else:
            self.data += value

    def get(self, lo, hi):
        slots = self.slots(lo, hi)
        gone = [r for r, slot in zip(range(lo, hi), slots) if self.row[slot] != r]
        if gone or not self.complete:
            raise Mismatch(f"{self.name}: rows {gone or 'before the sum is complete'} are not in the buffer")
        return self.data[:, self.index(slots)]

    def keep(self, lo, hi):
        """Only rows lo to before hi."""
        for slot, r in enumerate(self.row):
            if r is not None and not lo <= r < hi:
                self.row[slot] = None
                self.data[:, slot] = math.nan


class Dram:
    """Tensors of all samples, and which of their rows are there."""

    def __init__(self, torch, batch):
        self.torch, self.batch = torch, batch
        self.data, self.there = {}, {}
        self.rows_read, self.rows_written = {}, {}

    def write(self, t, samples, lo, value, height, count=True):
        """Rows from lo on."""
        if t not in self.data:
            self.data[t] = self.torch.full((self.batch, height, *value.shape[2:]), math.nan)
            self.there[t] = self.torch.zeros(self.batch, height, dtype=self.torch.bool)
        hi = lo + value.shape[1]
        self.data[t][samples, lo:hi] = value
        self.there[t][samples, lo:hi] = True
        if count:
            self.rows_written[t] = self.rows_written.get(t, 0) + value.shape[0] * value.shape[1]

    def read(self, t, name, samples, lo, hi, times=1):
        if t not in self.data or not bool(self.there[t][samples, lo:hi].all()):
            raise Mismatch(f"{name} is read, rows {lo} to {hi - 1}, and is not in DRAM")
        value = self.data[t][samples, lo:hi]
        self.rows_read[t] = self.rows_read.get(t, 0) + times * value.shape[0] * value.shape[1]
        return value
