"""Small real networks of four kinds, as network files."""


class Builder:
    def __init__(self, name, channels, side):
        self.name, self.layers = name, []
        self.inputs = [{"name": "image", "shape": [channels, side, side]}]

    def add(self, name, op, *inputs, **members):
        self.layers.append({"name": name, "op": op, "inputs": list(inputs), **members})
        return name

    def block(self, name, x, channels, kernel=3, **members):
        x = self.add(name, "conv", x, out_channels=channels, kernel=kernel, pad=kernel // 2, bias=True, **members)
        x = self.add(name + ".norm", "norm", x, kind="group", groups=4)
        return self.add(name + ".relu", "relu", x)

    def fc(self, name, x, features, bias=True):
        """Of each token."""
        return self.add(name, "fc", x, out_features=features, axis=1, bias=bias)

    def network(self, x):
        self.add("fc", "fc", x, out_features=10, bias=True)
        return {"format": "mbsopt-network/1", "name": self.name, "inputs": self.inputs, "layers": self.layers}


def residual():
    b = Builder("residual", 3, 16)
    x = b.block("stem", "image", 16)
    x = b.add("shrink", "max_pool", x, kernel=2)
    for i, channels in enumerate((16, 32)):
        y = b.block(f"b{i}.1", x, channels)
        y = b.add(f"b{i}.2", "conv", y, out_channels=channels, kernel=3, pad=1)
        y = b.add(f"b{i}.2.norm", "norm", y, kind="group", groups=4)
        if channels != 16:
            x = b.add(f"b{i}.short", "conv", x, out_channels=channels, kernel=1)
        x = b.add(f"b{i}.add", "add", y, x)
        x = b.add(f"b{i}.relu", "relu", x)
    return b.network(b.add("pool", "global_avg_pool", x))


def inception():
    b = Builder("inception", 3, 16)
    x = b.block("stem", "image", 16)
    for i in range(2):
        one = b.block(f"m{i}.one", x, 8, 1)
        three = b.block(f"m{i}.three", b.block(f"m{i}.reduce", x, 8, 1), 12)
        pooled = b.add(f"m{i}.pool", "avg_pool", x, kernel=3, stride=1, pad=1)
        # 8 channels in 4 groups: with a group for each channel the bias would have no gradient to compare
        pooled = b.block(f"m{i}.proj", pooled, 8, 1)
        x = b.add(f"m{i}.concat", "concat", one, three, pooled)
    return b.network(b.add("pool", "global_avg_pool", x))


def dense():
    b = Builder("dense", 3, 16)
    x = b.block("stem", "image", 12)
    for i in range(4):
        y = b.add(f"d{i}.norm", "norm", x, kind="group", groups=4)
        y = b.add(f"d{i}.act", "sigmoid" if i == 2 else "relu", y)
        y = b.add(f"d{i}.conv", "conv", y, out_channels=8, kernel=3, pad=1)
        x = b.add(f"d{i}.concat", "concat", x, y)
    return b.network(b.add("pool", "global_avg_pool", x))


def attention():
    """A block of a transformer: 16 tokens of 16 features, 2 heads; products of activations, views, permutations."""
    b = Builder("attention", 3, 8)
    x = b.add("patches", "conv", "image", out_channels=16, kernel=2, stride=2, bias=True)
    x = b.add("tokens", "permute", b.add("rows", "reshape", x, shape=[16, 16]), order=[1, 0])
    y = b.add("norm1", "norm", x, kind="layer", axis=1)
    # softmax takes what all scores of a row have in common away: a bias of k would have no gradient to compare
    heads = [b.add(f"{n}.heads", "permute", b.add(f"{n}.view", "reshape", b.fc(n, y, 16, n != "k"), shape=[16, 2, 8]),
                   order=[1, 0, 2]) for n in ("q", "k", "v")]
    y = b.add("scores", "matmul", heads[0], heads[1], transpose_b=True)
    y = b.add("softmax", "softmax", b.add("scaled", "scale", y))
    y = b.add("joined", "permute", b.add("mixed", "matmul", y, heads[2]), order=[1, 0, 2])
    x = b.add("add1", "add", b.fc("proj", b.add("joined.view", "reshape", y, shape=[16, 16]), 16), x)
    y = b.fc("mlp1", b.add("norm2", "norm", x, kind="layer", axis=1), 32)
    x = b.add("add2", "add", b.fc("mlp2", b.add("gelu", "gelu", y), 16), x)
    x = b.add("mean", "avg_pool", b.add("grid", "reshape", x, shape=[1, 16, 16]), kernel=[16, 1])
    return b.network(x)


NETWORKS = {"residual": residual, "inception": inception, "dense": dense, "attention": attention}
