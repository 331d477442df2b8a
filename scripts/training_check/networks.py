"""Small real networks, as network files."""


class Builder:
    def __init__(self, name, channels, *sides, kind="group"):
        self.name, self.layers, self.kind = name, [], kind
        self.inputs = [{"name": "image", "shape": [channels, sides[0], sides[-1]]}]

    def add(self, name, op, *inputs, **members):
        self.layers.append({"name": name, "op": op, "inputs": list(inputs), **members})
        return name

    def norm(self, name, x):
        return self.add(name, "norm", x, kind=self.kind, **({"groups": 4} if self.kind == "group" else {}))

    def block(self, name, x, channels, kernel=3, pad=None, **members):
        pad = kernel // 2 if pad is None else pad
        # a batch norm takes the mean away: a bias before it would have no gradient to compare
        members.update(kernel=kernel, pad=pad, bias=self.kind == "group")
        x = self.add(name, "conv", x, out_channels=channels, **members)
        return self.add(name + ".relu", "relu", self.norm(name + ".norm", x))

    def fc(self, name, x, features, bias=True):
        """Of each token."""
        return self.add(name, "fc", x, out_features=features, axis=1, bias=bias)

    def network(self, x):
        self.add("fc", "fc", x, out_features=10, bias=True)
        return {"format": "mbsopt-network/1", "name": self.name, "inputs": self.inputs, "layers": self.layers}


def residual(kind="group"):
    b = Builder("residual", 3, 16, kind=kind)
    x = b.block("stem", "image", 16)
    x = b.add("shrink", "max_pool", x, kernel=2)
    for i, channels in enumerate((16, 32)):
        y = b.block(f"b{i}.1", x, channels)
        y = b.add(f"b{i}.2", "conv", y, out_channels=channels, kernel=3, pad=1)
        y = b.norm(f"b{i}.2.norm", y)
        if channels != 16:
            x = b.add(f"b{i}.short", "conv", x, out_channels=channels, kernel=1)
        x = b.add(f"b{i}.add", "add", y, x)
        x = b.add(f"b{i}.relu", "relu", x)
    return b.network(b.add("pool", "global_avg_pool", x))


def inception(kind="group"):
    b = Builder("inception", 3, 16, kind=kind)
    x = b.block("stem", "image", 16)
    for i in range(2):
        one = b.block(f"m{i}.one", x, 8, 1)
        three = b.block(f"m{i}.three", b.block(f"m{i}.reduce", x, 8, 1), 12)
        pooled = b.add(f"m{i}.pool", "avg_pool", x, kernel=3, stride=1, pad=1)
        # 8 channels in 4 groups: with a group for each channel the bias would have no gradient to compare
        pooled = b.block(f"m{i}.proj", pooled, 8, 1)
        x = b.add(f"m{i}.concat", "concat", one, three, pooled)
    return b.network(b.add("pool", "global_avg_pool", x))


def dense(kind="group"):
    b = Builder("dense", 3, 16, kind=kind)
    x = b.block("stem", "image", 12)
    for i in range(4):
        y = b.norm(f"d{i}.norm", x)
        y = b.add(f"d{i}.act", "sigmoid" if i == 2 else "relu", y)
        y = b.add(f"d{i}.conv", "conv", y, out_channels=8, kernel=3, pad=1)
        x = b.add(f"d{i}.concat", "concat", x, y)
    return b.network(b.add("pool", "global_avg_pool", x))


def heads(kind="group"):
    """A detector's head for two scales, and in turn: convolutions and norms that share their parameters."""
    b = Builder("heads", 3, 16, kind=kind)
    x = b.block("stem", "image", 16)
    made = []
    for i, name in enumerate(("large", "small", "again")):
        own = {} if i == 0 else {"shares": "large"}
        y = b.add(name, "conv", x, out_channels=16, kernel=3, pad=1, bias=kind == "group", **own)
        norm = b.norm(name + ".norm", y)
        if i == 2:
            b.layers[-1]["shares"] = "large.norm"
        made.append(b.add(name + ".relu", "relu", norm))
        x = b.add("shrink", "max_pool", x, kernel=2) if i == 0 else made[-1]
    pooled = [b.add(f"{y}.pool", "global_avg_pool", y) for y in (made[0], made[2])]
    return b.network(b.add("concat", "concat", *pooled))


def windows(kind="group"):
    """Rows that no number divides; strides, dilation, pads, pools that overlap and that leave rows out, up and down again, a
    gate."""
    b = Builder("windows", 3, 23, 18, kind=kind)
    x = b.block("stem", "image", 12, stride=2, kernel=5)
    p = b.add("max", "max_pool", x, kernel=3, stride=1, pad=1)
    y = b.block("holes", p, 12, dilation=[2, 1], pad=[2, 1])
    y = b.block("uneven", y, 12, kernel=[4, 3], pad=[3, 1, 0, 1])
    gate = b.add("squeeze", "global_avg_pool", y)
    gate = b.add("gate", "sigmoid", b.add("excite", "conv", gate, out_channels=12, kernel=1, bias=True))
    skip = b.add("skip", "add", b.add("gated", "mul", y, gate), x)
    down = b.add("down", "avg_pool", skip, kernel=[3, 2], stride=[4, 2])
    down = b.add("up", "upsample", down, size=[12, 9])
    deep = b.block("deep", skip, 16, stride=3, groups=4)
    grown = b.add("grown", "conv_transpose", deep, out_channels=12, kernel=2, stride=3, output_pad=1, bias=True)
    wide = b.add("smooth", "upsample", b.add("silu", "silu", deep), size=[12, 9], x_mode="bilinear")
    x = b.add("concat", "concat", skip, down, grown, wide)
    x = b.add("padded", "pad", x, before=[0, 2, 1], after=[0, 1, 0])
    x = b.block("last", x, 16, kernel=1, pad=0)
    y, x = (b.add(f"half{i}", "slice", x, begin=8 * i, end=8 * i + 8) for i in range(2))
    x = b.add("halves", "concat", x, b.block("half", y, 8))
    x = b.add("least", "max_pool", x, kernel=[2, 2], stride=[3, 2])
    return b.network(b.add("pool", "global_avg_pool", x))


def attention(tokens=16):
    """A block of a transformer: tokens of 16 features, 2 heads; products of activations, views, permutations."""
    b = Builder("attention", 3, tokens // 2, 8)
    x = b.add("patches", "conv", "image", out_channels=16, kernel=2, stride=2, bias=True)
    x = b.add("tokens", "permute", b.add("rows", "reshape", x, shape=[16, tokens]), order=[1, 0])
    y = b.add("norm1", "norm", x, kind="layer", axis=1)
    b.fc("qkv", y, 48)
    heads = [b.add(f"{n}.heads", "permute", b.add(f"{n}.view", "reshape", b.add(
        n, "slice", "qkv", axis=1, begin=16 * i, end=16 * i + 16), shape=[tokens, 2, 8]), order=[1, 0, 2])
        for i, n in enumerate(("q", "k", "v"))]
    y = b.add("scores", "matmul", heads[0], heads[1], transpose_b=True)
    y = b.add("softmax", "softmax", b.add("scaled", "scale", y))
    y = b.add("joined", "permute", b.add("mixed", "matmul", y, heads[2]), order=[1, 0, 2])
    x = b.add("add1", "add", b.fc("proj", b.add("joined.view", "reshape", y, shape=[tokens, 16]), 16), x)
    y = b.fc("mlp1", b.add("norm2", "norm", x, kind="layer", axis=1), 32)
    x = b.add("add2", "add", b.fc("mlp2", b.add("gelu", "gelu", y), 16), x)
    x = b.add("mean", "avg_pool", b.add("grid", "reshape", x, shape=[1, tokens, 16]), kernel=[tokens, 1])
    return b.network(x)


def inverted(kind="batch"):
    """Convolutions of every kind with norms and activations behind them, and what may not become one with them."""
    b = Builder("inverted", 4, 18, 15, kind=kind)
    x = b.add("stem", "conv", "image", out_channels=8, kernel=3, stride=2, pad=1, bias=True)
    x = b.add("stem.act", "hardswish", b.norm("stem.norm", x))
    y = b.add("grow", "relu6", b.norm("grow.norm", b.add("grow.conv", "conv", x, out_channels=24, kernel=1)))
    y = b.add("deep", "silu", b.norm("deep.norm", b.add("deep.conv", "conv", y, out_channels=24, kernel=3, pad=1, groups=24)))
    gate = b.add("squeeze", "conv", b.add("mean", "global_avg_pool", y), out_channels=6, kernel=1, bias=True)
    gate = b.add("excite", "conv", b.add("squeeze.act", "elu", gate), out_channels=24, kernel=1, bias=True)
    y = b.add("gated", "mul", y, b.add("gate", "hardsigmoid", gate))
    y = b.norm("shrink.norm", b.add("shrink", "conv", y, out_channels=8, kernel=1))
    x = b.add("add", "add", y, x)
    twice = b.add("twice", "conv", x, out_channels=8, kernel=3, pad=1, groups=2)  # read by its norm, and by another layer
    x = b.add("both", "add", twice, b.add("twice.act", "leaky_relu", b.norm("twice.norm", twice)))
    x = b.add("up", "conv_transpose", x, out_channels=12, kernel=[3, 2], stride=2, groups=2, pad=[1, 0], bias=True)
    x = b.add("up.act", "gelu", b.norm("up.norm", x))
    x = b.norm("late.norm", b.add("late", "tanh", b.add("late.conv", "conv", x, out_channels=8, kernel=3, stride=2)))
    x = b.add("late.act", "relu", x)
    x = b.norm("flat.norm", b.add("flat", "fc", x, out_features=12, bias=True))
    x = b.add("drop", "dropout", b.add("flat.act", "relu", x))
    return b.network(x)


def activations(kind="group"):
    """Norms with every activation behind them."""
    b = Builder("activations", 4, 12, kind=kind)
    x = "image"
    for i, op in enumerate(("gelu", "silu", "elu", "hardswish", "hardsigmoid", "tanh", "sigmoid", "relu", "relu6",
                            "leaky_relu")):
        x = b.norm(f"n{i}", b.add(f"c{i}", "conv", x, out_channels=8, kernel=3, pad=1, stride=1 + (i % 4 == 3)))
        x = b.add(f"a{i}", op, x)
    return b.network(x)


NETWORKS = {"residual": residual, "inception": inception, "dense": dense, "attention": attention, "heads": heads}
STRIP_NETWORKS = {**NETWORKS, "windows": windows}
