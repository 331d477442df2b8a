#!/usr/bin/env python3
"""Folds each batch norm of a network file into the convolution before it, as inference compilers do: the convolution gets a
bias in place of the norm's parameters, and what read the norm reads the convolution."""

import argparse
import json


def fold(network):
    """The network without the batch norms whose input is the output of a convolution that nothing else reads."""
    layers = {layer["name"]: layer for layer in network["layers"]}
    readers = {}
    for layer in network["layers"]:
        for name in layer.get("inputs", []):
            readers.setdefault(name, []).append(layer["name"])
    folded = {}
    for layer in network["layers"]:
        if layer["op"] != "norm" or layer.get("kind") != "batch":
            continue
        source = layers.get(layer["inputs"][0])
        if source and source["op"] in ("conv", "conv_transpose") and readers[source["name"]] == [layer["name"]]:
            source["bias"] = True
            folded[layer["name"]] = source["name"]
    kept = [layer for layer in network["layers"] if layer["name"] not in folded]
    for layer in kept:
        if "inputs" in layer:
            layer["inputs"] = [folded.get(name, name) for name in layer["inputs"]]
    return {**network, "name": network["name"] + "_folded", "layers": kept}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", help="a network file")
    parser.add_argument("-o", "--output", required=True, help="where the folded network goes")
    given = parser.parse_args()
    with open(given.network, encoding="utf-8") as file:
        network = json.load(file)
    with open(given.output, "w", encoding="utf-8") as file:
        json.dump(fold(network), file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
