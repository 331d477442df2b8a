"""`mbsopt place`: offsets for ranges of a CSV file."""

import csv
import io
import json
import random
import unittest

from harness import BAD_INPUT, NO_PLAN, USAGE, CliTest

HEADER = "id,lower,upper,size\n"
SMALL = HEADER + "b1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"


def perfect_packing(state, cuts, width=4096, height=1 << 20):
    """Rows of ranges that fill a rectangle to the last byte: it is cut in two again and again."""
    pieces = [(0, width, 0, height)]
    while len(pieces) < cuts:
        a, b, c, d = pieces.pop(state.randrange(len(pieces)))
        if state.random() < 0.5 and b - a > 16:
            middle = state.randrange(a + 8, b - 7)
            pieces += [(a, middle, c, d), (middle, b, c, d)]
        elif d - c > 4096:
            middle = state.randrange(c + 1024, d - 1023)
            pieces += [(a, b, c, middle), (a, b, middle, d)]
        else:
            pieces.append((a, b, c, d))
    state.shuffle(pieces)
    return "".join(f"{i},{a},{b},{d - c}\n" for i, (a, b, c, d) in enumerate(pieces))


class Place(CliTest):
    def check(self, text, rows, capacity):
        """The rows are those of the file with offsets that do not overlap, below the capacity."""
        given = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([[str(r[c]) for c in ("id", "lower", "upper", "size")] for r in rows],
                         [[r[c] for c in ("id", "lower", "upper", "size")] for r in given])
        boxes = [[int(r[c]) for c in ("lower", "upper", "size", "offset")] for r in rows]
        for i, (lower, upper, size, offset) in enumerate(boxes):
            self.assertTrue(0 <= offset <= capacity - size)
            for other_lower, other_upper, other_size, other in boxes[:i]:
                self.assertTrue(upper <= other_lower or other_upper <= lower or
                                offset + size <= other or other + other_size <= offset)

    def place(self, text, *more, capacity):
        out = self.succeed("place", "-", "--format=csv", "--capacity", capacity, *more,
                           given=text).out
        self.check(text, list(csv.DictReader(io.StringIO(out))), capacity)

    def test_formats(self):
        path = self.file("ranges.csv", SMALL)
        self.place(SMALL, capacity=12)
        self.assertIn("ranges.csv: 5 ranges, placed as low as can be (proven)\n",
                      self.succeed("place", path).out)
        document = json.loads(self.succeed("place", path, "--format=json").out)
        self.assertEqual([document[k] for k in ("outcome", "height", "bound", "load")],
                         ["fits", 12, 12, 12])
        self.check(SMALL, document["ranges"], 12)
        self.succeed("place", path, "-o", self.folder / "placed.csv")
        again = (self.folder / "placed.csv").read_text()
        self.assertTrue(again.startswith("id,lower,upper,size,offset\n"))
        self.place(again, capacity=12) # its own output, whatever the order of its columns
        self.place("size,x,upper,id,lower\r\n4,?,3,a,0\r\n\r\n5,,4,b,2\r\n", capacity=9)

    def test_hard_ones(self):
        state = random.Random(5)
        for cuts in (60, 120, 180):
            self.place(HEADER + perfect_packing(state, cuts), capacity=1 << 20)

    def test_no_room(self):
        result = self.refuse(NO_PLAN, "place", "-", "--capacity=11", "--format=csv", given=SMALL,
                             says=["no placement exists (proven)", "ends at 12"])
        self.assertEqual(result.out, "")
        out = self.run_program("place", "-", "--capacity=11", given=SMALL)
        self.assertEqual(out.status, NO_PLAN)
        self.assertIn("no placement exists (proven)", out.out)
        hard = HEADER + perfect_packing(random.Random(5), 150)
        self.refuse(NO_PLAN, "place", "-", "--capacity=1MiB", "--nodes=10", "--format=json",
                    given=hard, says=["--nodes"])

    def test_nothing_to_place(self):
        self.assertEqual(self.succeed("place", "-", "--format=csv", given=HEADER).out,
                         "id,lower,upper,size,offset\n")

    def test_bad_files(self):
        for text, says in (("", "is empty"), ("id,lower,upper\n1,2,3\n", ':1: no column "size"'),
                           (HEADER + "a,0,1\n", ":2: 3 fields"),
                           (HEADER + "a,0,1,-4\n", ':2: size is "-4"'),
                           (HEADER + "a,0,1,0\n", ":2: size is"),
                           (HEADER + "\na,4,4,1\n", ':3: upper is "4", expected a whole number from 5'),
                           (HEADER + "a,x\x1b,4,1\n", ":2: lower is"),
                           (HEADER + "a,0,99999999999,1\n", ":2: upper is"),
                           (HEADER + "a,0,9,9999999999999999999999\n", ":2: size is"),
                           ("id,lower,upper,size,alignment\na,0,1,2,8\n", ':2: alignment is "8"'),
                           ("," * 70 + "\n", ":1: more than 64 fields"),
                           (HEADER + "a,0,1,2\0\n", "holds a NUL")):
            self.refuse(BAD_INPUT, "place", "-", given=text, says=["standard input", says])
        many = HEADER + "".join(f"{i},0,1,{1 << 58}\n" for i in range(9))
        self.refuse(BAD_INPUT, "place", "-", given=many, says=["2^61"])
        for option in ("--capacity=0", "--capacity=x", "--nodes=0", "--capacity=2000PiB"):
            self.refuse(USAGE, "place", "-", option, given=SMALL)


if __name__ == "__main__":
    unittest.main()
