#!/usr/bin/env python3
"""Generate the model zoo: published CNNs as mbsopt-network/1 files.

The same arguments always give the same bytes, one layer per line, so the committed files can be checked and diffed.
Left out of every model: dropout, softmax (it belongs to the loss), the auxiliary classifiers, and the flatten in front
of a fully connected layer (which flattens by itself).
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / "models" / "networks"
CLASSES = 1000

# Which convolution of a ResNet bottleneck block halves the resolution: the 3x3 one (torchvision, "v1.5") or,
# as in the ResNet paper, the first 1x1 one.
BOTTLENECK_STRIDE_ON_3X3 = True


class Network:
    """Collects layers in order; every method adds one layer (or a named bundle) and returns its output's name."""

    def __init__(self, name, shape, biases=True):
        self.name = name
        self.biases = biases
        self.inputs = [{"name": "image", "shape": shape}]
        self.layers = []

    def layer(self, name, op, inputs, **members):
        inputs = [inputs] if isinstance(inputs, str) else list(inputs)
        self.layers.append({"name": name, "op": op, "inputs": inputs, **members})
        return name

    def conv(self, name, x, out_channels, kernel, stride=1, pad=0, groups=1, bias=False):
        members = {"out_channels": out_channels, "kernel": kernel}
        members.update(_unless_default(stride=(stride, 1), pad=(pad, 0), groups=(groups, 1)))
        return self.layer(name, "conv", x, **members, **self._bias(bias))

    def fc(self, name, x, out_features):
        return self.layer(name, "fc", x, out_features=out_features, **self._bias(True))

    def norm(self, name, x):
        return self.layer(name, "norm", x, kind="batch")

    def relu(self, name, x, op="relu"):
        return self.layer(name, op, x)

    def max_pool(self, name, x, kernel, stride, pad=0):
        return self.layer(name, "max_pool", x, kernel=kernel, stride=stride, **_unless_default(pad=(pad, 0)))

    def avg_pool(self, name, x, kernel, stride, pad=0):
        return self.layer(name, "avg_pool", x, kernel=kernel, stride=stride, **_unless_default(pad=(pad, 0)))

    def concat(self, name, members):
        return self.layer(name, "concat", members)

    def conv_norm(self, name, norm_name, x, *shape, **members):
        """A convolution and the batch norm that makes its bias superfluous."""
        return self.norm(norm_name, self.conv(name, x, *shape, **members))

    def conv_norm_relu(self, name, x, *shape, op="relu", **members):
        x = self.conv_norm(f"{name}.conv", f"{name}.norm", x, *shape, **members)
        return self.relu(f"{name}.{op}", x, op)

    def classifier(self, x):
        return self.fc("fc", self.layer("avgpool", "global_avg_pool", x), CLASSES)

    def _bias(self, wanted):
        return {"bias": True} if wanted and self.biases else {}

    def text(self):
        lines = [json.dumps(layer) for layer in self.layers]
        return (
            "{\n"
            '  "format": "mbsopt-network/1",\n'
            f'  "name": {json.dumps(self.name)},\n'
            f'  "inputs": {json.dumps(self.inputs)},\n'
            '  "layers": [\n    ' + ",\n    ".join(lines) + "\n  ]\n}\n"
        )


def _unless_default(**members):
    """{name: value} of those members given as name=(value, default) that differ from their default."""
    return {name: value for name, (value, default) in members.items() if value != default}


# ---------------------------------------------------------------------------------------------------------------------
# AlexNet and VGG


def alexnet(net):
    """Krizhevsky et al. 2012 in one tower: 96-256-384-384-256 on 227x227, no local response normalisation."""
    x = "image"
    convs = [  # channels, kernel, stride, pad, pooled
        (96, 11, 4, 0, True),
        (256, 5, 1, 2, True),
        (384, 3, 1, 1, False),
        (384, 3, 1, 1, False),
        (256, 3, 1, 1, True),
    ]
    for number, (channels, kernel, stride, pad, pooled) in enumerate(convs, 1):
        x = net.relu(f"relu{number}", net.conv(f"conv{number}", x, channels, kernel, stride, pad, bias=True))
        if pooled:
            x = net.max_pool(f"pool{number}", x, 3, 2)
    _fully_connected(net, x, first=6)


def vgg16(net):
    """Simonyan and Zisserman 2014, configuration D."""
    x = "image"
    for stage, (channels, convs) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for number in range(1, convs + 1):
            x = net.conv(f"conv{stage}_{number}", x, channels, 3, pad=1, bias=True)
            x = net.relu(f"relu{stage}_{number}", x)
        x = net.max_pool(f"pool{stage}", x, 2, 2)
    _fully_connected(net, x, first=6)


def _fully_connected(net, x, first):
    for number in (first, first + 1):
        x = net.relu(f"relu{number}", net.fc(f"fc{number}", x, 4096))
    net.fc(f"fc{first + 2}", x, CLASSES)


# ---------------------------------------------------------------------------------------------------------------------
# ResNet


def resnet(block, expansion, block_counts):
    """He et al. 2015. block: adds one residual function; its output has expansion times the stage's width."""

    def build(net):
        x = net.relu("relu1", net.conv_norm("conv1", "norm1", "image", 64, 7, stride=2, pad=3))
        x = net.max_pool("pool1", x, 3, 2, pad=1)
        channels = 64
        for stage, count in enumerate(block_counts, 1):
            width = 64 << (stage - 1)
            for number in range(count):
                stride = 2 if stage > 1 and number == 0 else 1
                project = number == 0 and (stride, channels) != (1, width * expansion)
                x = residual_block(net, f"layer{stage}.{number}", x, block, width, stride, expansion, project)
            channels = width * expansion
        net.classifier(x)

    return build


def residual_block(net, name, x, block, width, stride, expansion, project):
    """relu(residual function + shortcut); the shortcut is x itself or, where shapes differ, a 1x1 projection of it."""
    residual = block(net, name, x, width, stride)
    shortcut = x
    if project:
        shortcut = net.conv_norm(
            f"{name}.project.conv", f"{name}.project.norm", x, width * expansion, 1, stride=stride
        )
    return net.relu(f"{name}.relu", net.layer(f"{name}.add", "add", [residual, shortcut]))


def basic(net, name, x, width, stride):
    x = net.conv_norm(f"{name}.conv1", f"{name}.norm1", x, width, 3, stride=stride, pad=1)
    x = net.relu(f"{name}.relu1", x)
    return net.conv_norm(f"{name}.conv2", f"{name}.norm2", x, width, 3, pad=1)


def bottleneck(net, name, x, width, stride):
    stride1, stride2 = (1, stride) if BOTTLENECK_STRIDE_ON_3X3 else (stride, 1)
    x = net.conv_norm(f"{name}.conv1", f"{name}.norm1", x, width, 1, stride=stride1)
    x = net.relu(f"{name}.relu1", x)
    x = net.conv_norm(f"{name}.conv2", f"{name}.norm2", x, width, 3, stride=stride2, pad=1)
    x = net.relu(f"{name}.relu2", x)
    return net.conv_norm(f"{name}.conv3", f"{name}.norm3", x, 4 * width, 1)


CHAIN_STAGES = [(128, 28), (256, 14), (512, 7)]  # width and resolution of ResNet's last three bottleneck stages
CHAIN_BLOCK_LAYERS = 10


def _chain_layers(blocks):
    """Layers in so many blocks, the projections between their stages, and the classifier."""
    projections = min(blocks, len(CHAIN_STAGES)) - 1
    return CHAIN_BLOCK_LAYERS * blocks + 2 * projections + 2


def residual_chain(layers, biases):
    """A network of about that many layers: equally many bottleneck blocks of each of ResNet's last three stages."""
    blocks = min(range(1, layers // CHAIN_BLOCK_LAYERS + 1), key=lambda count: abs(_chain_layers(count) - layers))
    width, size = CHAIN_STAGES[0]
    net = Network(f"chain{layers}", [4 * width, size, size], biases)
    x = "image"
    for number in range(blocks):
        previous, width = width, CHAIN_STAGES[number * len(CHAIN_STAGES) // blocks][0]
        stride = width // previous
        x = residual_block(net, f"block{number}", x, bottleneck, width, stride, 4, project=stride > 1)
    net.classifier(x)
    return net


FAR_LAYERS = 1000


def far_chain(layers, biases):
    """A chain of 3x3 convolutions, each output read again FAR_LAYERS layers later: no group reaches that far."""
    net = Network(f"far{layers}", [64, 56, 56], biases)
    outputs = ["image"]
    for number in range(layers):
        if number % 2 == 1 and number > FAR_LAYERS:
            outputs.append(net.layer(f"add{number}", "add", [outputs[-1], outputs[-FAR_LAYERS]]))
        else:
            outputs.append(net.conv(f"conv{number}", outputs[-1], 64, 3, pad=1))
    return net


# ---------------------------------------------------------------------------------------------------------------------
# Inception. A branch is a list of units, each a convolution (channels, kernel, stride, pad), "max", "avg", or a list of
# units applied side by side to the same input (their outputs are concatenated).


def inception_block(net, name, x, branches):
    """Adds the branches, each starting from x, and the concatenation of what they end in."""
    ends = [end for number, branch in enumerate(branches) for end in _branch(net, f"{name}.b{number}", x, branch)]
    return net.concat(f"{name}.concat", ends)


def _branch(net, name, x, units):
    ends = [x]
    for number, unit in enumerate(units):
        unit_name = f"{name}.{number}"
        if unit == "max":
            ends = [net.max_pool(f"{name}.pool", x, 3, 2)]
        elif unit == "avg":
            ends = [net.avg_pool(f"{name}.pool", x, 3, 1, pad=1)]
        elif isinstance(unit, list):
            ends = [_unit(net, unit_name + letter, x, part) for letter, part in zip("abc", unit)]
        else:
            ends = [_unit(net, unit_name, x, unit)]
        x = ends[0]
    return ends


def _unit(net, name, x, unit):
    channels, kernel, stride, pad = unit
    return net.conv_norm_relu(name, x, channels, kernel, stride=stride, pad=pad)


def c1(channels):
    return (channels, 1, 1, 0)


def same(channels, kernel):
    """A stride-1 convolution that keeps the resolution; kernel: an integer or (height, width)."""
    if isinstance(kernel, int):
        return (channels, kernel, 1, kernel // 2)
    return (channels, list(kernel), 1, [size // 2 for size in kernel])


def row(channels, size=7):
    return same(channels, (1, size))


def column(channels, size=7):
    return same(channels, (size, 1))


def half(channels):
    return (channels, 3, 2, 0)


def inception_v3(net):
    """Szegedy et al. 2015, as in torchvision, without the auxiliary classifier."""
    stem = [half(32), (32, 3, 1, 0), same(64, 3)], [c1(80), (192, 3, 1, 0)]
    x = "image"
    for part, units in enumerate(stem, 1):
        x = _branch(net, f"stem{part}", x, units)[0]
        x = net.max_pool(f"pool{part}", x, 3, 2)
    blocks = [[[c1(64)], [c1(48), same(64, 5)], [c1(64), same(96, 3), same(96, 3)], ["avg", c1(pool)]]
              for pool in (32, 64, 64)]
    blocks += [[[half(384)], [c1(64), same(96, 3), half(96)], ["max"]]]
    blocks += [[[c1(192)],
                [c1(c), row(c), column(192)],
                [c1(c), column(c), row(c), column(c), row(192)],
                ["avg", c1(192)]]
               for c in (128, 160, 160, 192)]
    blocks += [[[c1(192), half(320)], [c1(192), row(192), column(192), half(192)], ["max"]]]
    blocks += [[[c1(320)],
                [c1(384), [row(384, 3), column(384, 3)]],
                [c1(448), same(384, 3), [row(384, 3), column(384, 3)]],
                ["avg", c1(192)]]] * 2
    names = ["5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"]
    for name, branches in zip(names, blocks):
        x = inception_block(net, f"mixed{name}", x, branches)
    net.classifier(x)


def inception_v4(net):
    """Szegedy et al. 2016, as published with the weights that timm and Cadene's collection carry."""
    x = _branch(net, "stem", "image", [half(32), (32, 3, 1, 0), same(64, 3)])[0]
    valid = (96, 3, 1, 0)
    blocks = [
        [["max"], [half(96)]],
        [[c1(64), valid], [c1(64), row(64), column(64), valid]],
        [[half(192)], ["max"]],
    ]
    blocks += [[[c1(96)], [c1(64), same(96, 3)], [c1(64), same(96, 3), same(96, 3)], ["avg", c1(96)]]] * 4
    blocks += [[[half(384)], [c1(192), same(224, 3), half(256)], ["max"]]]
    blocks += [[[c1(384)],
                [c1(192), row(224), column(256)],
                [c1(192), column(192), row(224), column(224), row(256)],
                ["avg", c1(128)]]] * 7
    blocks += [[[c1(192), half(192)], [c1(256), row(256), column(320), half(320)], ["max"]]]
    blocks += [[[c1(256)],
                [c1(384), [row(256, 3), column(256, 3)]],
                [c1(384), column(448, 3), row(512, 3), [row(256, 3), column(256, 3)]],
                ["avg", c1(256)]]] * 3
    for number, branches in enumerate(blocks):
        x = inception_block(net, f"block{number}", x, branches)
    net.classifier(x)


# ---------------------------------------------------------------------------------------------------------------------
# DenseNet and MobileNet


def densenet121(net):
    """Huang et al. 2016, growth rate 32; a dense layer reads everything before it in its block, concatenated."""
    growth = 32
    x = net.relu("relu0", net.conv_norm("conv0", "norm0", "image", 2 * growth, 7, stride=2, pad=3))
    x = net.max_pool("pool0", x, 3, 2, pad=1)
    channels = 2 * growth
    for block, layers in enumerate((6, 12, 24, 16), 1):
        if block > 1:
            channels //= 2
            x = net.relu(f"trans{block - 1}.relu", net.norm(f"trans{block - 1}.norm", x))
            x = net.avg_pool(f"trans{block - 1}.pool", net.conv(f"trans{block - 1}.conv", x, channels, 1), 2, 2)
        features = [x]
        for number in range(1, layers + 1):
            name = f"dense{block}.{number}"
            y = net.relu(f"{name}.relu1", net.norm(f"{name}.norm1", x))
            y = net.relu(f"{name}.relu2", net.conv_norm(f"{name}.conv1", f"{name}.norm2", y, 4 * growth, 1))
            features.append(net.conv(f"{name}.conv2", y, growth, 3, pad=1))
            x = net.concat(f"{name}.concat", features)
        channels += layers * growth
    net.classifier(net.relu("relu5", net.norm("norm5", x)))


def mobilenet_v2(net):
    """Sandler et al. 2018: inverted residuals with depthwise convolutions."""
    x = net.conv_norm_relu("stem", "image", 32, 3, stride=2, pad=1, op="relu6")
    channels, block = 32, 0
    stages = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, out_channels, repeats, first_stride in stages:
        for number in range(repeats):
            block += 1
            name = f"block{block}"
            stride = first_stride if number == 0 else 1
            width = channels * expansion
            y = x
            if expansion > 1:
                y = net.conv_norm_relu(f"{name}.expand", y, width, 1, op="relu6")
            y = net.conv_norm_relu(f"{name}.depthwise", y, width, 3, stride=stride, pad=1, groups=width, op="relu6")
            y = net.conv_norm(f"{name}.project.conv", f"{name}.project.norm", y, out_channels, 1)
            x = net.layer(f"{name}.add", "add", [y, x]) if (stride, channels) == (1, out_channels) else y
            channels = out_channels
    net.classifier(net.conv_norm_relu("head", x, 1280, 1, op="relu6"))


# ---------------------------------------------------------------------------------------------------------------------
# Command line

ZOO = {  # name: (input height and width, what adds its layers)
    "alexnet": (227, alexnet),
    "vgg16": (224, vgg16),
    "resnet18": (224, resnet(basic, 1, (2, 2, 2, 2))),
    "resnet50": (224, resnet(bottleneck, 4, (3, 4, 6, 3))),
    "resnet101": (224, resnet(bottleneck, 4, (3, 4, 23, 3))),
    "resnet152": (224, resnet(bottleneck, 4, (3, 8, 36, 3))),
    "inception_v3": (299, inception_v3),
    "inception_v4": (299, inception_v4),
    "densenet121": (224, densenet121),
    "mobilenet_v2": (224, mobilenet_v2),
}


def zoo_network(name, biases=True):
    size, build = ZOO[name]
    net = Network(name, [3, size, size], biases)
    build(net)
    return net


def write_file(path, text):
    """Writes by rename, so that an interrupted run leaves no half file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def differing_files(texts):
    """One line for each file that is missing or does not hold the text it should."""
    for path, text in texts.items():
        if not path.is_file():
            yield f"{path}: missing"
        elif path.read_bytes() != text.encode("utf-8"):
            yield f"{path}: differs from what this script generates"


def parse_arguments(argv):
    parser = argparse.ArgumentParser(description="Generate the model zoo as mbsopt-network/1 files.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these models; known: " + ", ".join(ZOO))
    parser.add_argument("--chain", type=int, metavar="LAYERS",
                        help="write instead a synthetic chain of residual blocks, about that many layers, to -o FILE")
    parser.add_argument("--far", type=int, metavar="LAYERS",
                        help="write instead a synthetic chain of that many layers, many of which are read again "
                        f"{FAR_LAYERS} layers later, to -o FILE")
    parser.add_argument("--no-bias", action="store_true", help="leave every convolution's and fc's bias out (needs -o)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit 1 if a file is missing or not what would be written")
    parser.add_argument("-o", "--output", type=Path, metavar="PATH",
                        help="folder to write to (default: models/networks); with --chain and --far, the file")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.only or ()) - set(ZOO))
    if unknown:
        parser.error(f"--only: no model called {', '.join(unknown)} (known: {', '.join(ZOO)})")
    if arguments.chain is not None:
        if arguments.only:
            parser.error("--chain and --only exclude each other")
        if arguments.output is None:
            parser.error("--chain needs -o FILE")
        if arguments.chain < _chain_layers(1):
            parser.error(f"--chain: {arguments.chain} layers is too few (at least {_chain_layers(1)}, one block)")
    elif arguments.far is not None:
        if arguments.only or arguments.output is None or arguments.far < 1:
            parser.error("--far needs a number of layers and -o FILE, and excludes --only")
    elif arguments.no_bias and arguments.output is None:
        parser.error("--no-bias needs -o DIR: the files in models/networks have their biases")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    biases = not arguments.no_bias
    if arguments.chain is not None:
        texts = {arguments.output: residual_chain(arguments.chain, biases).text()}
    elif arguments.far is not None:
        texts = {arguments.output: far_chain(arguments.far, biases).text()}
    else:
        folder = arguments.output or DEFAULT_FOLDER
        names = [name for name in ZOO if not arguments.only or name in arguments.only]
        texts = {folder / f"{name}.json": zoo_network(name, biases).text() for name in names}
    try:
        if arguments.check:
            differences = list(differing_files(texts))
            if differences:
                more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
                print(f"make_zoo.py: {differences[0]}{more}; run scripts/make_zoo.py to write it anew", file=sys.stderr)
                return 1
            return 0
        for path, text in texts.items():
            write_file(path, text)
    except OSError as error:
        print(f"make_zoo.py: {error.filename2 or error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
