#!/usr/bin/env python3
"""resize_network.py IN.json HEIGHT WIDTH OUT.json: a segmentation network for images of another size.

The first input gets that size, and so does what is upsampled to the size it had.
"""

import json
import pathlib
import sys


def main():
    given, height, width, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    network = json.loads(pathlib.Path(given).read_text(encoding="utf-8"))
    shape = network["inputs"][0]["shape"]
    before, shape[-2:] = shape[-2:], [height, width]
    for layer in network["layers"]:
        if layer.get("size") == before:
            layer["size"] = [height, width]
    pathlib.Path(out).write_text(json.dumps(network), encoding="utf-8")


if __name__ == "__main__":
    main()
