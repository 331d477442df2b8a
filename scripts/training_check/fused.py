"""Layers that the step of the one before does, too (section 13), as a plan's steps name them."""

from types import SimpleNamespace

from training_check.layers import VIEWS, Mismatch, apply, running_statistics
from training_check.rows import layer_of

EPSILON = 1e-5
PRODUCTS = ("conv", "conv_transpose", "fc", "matmul")


def apply_fused(torch, layer, value):
    """What comes of the layer's own output; a norm that a product has taken is in its parameters."""
    for behind in layer.get("fused", ()):
        if behind["op"] != "norm":
            value = apply(torch, behind, [value], [])
    return value


def named(plan, layers):
    """Layer by name: the names that its steps say they do besides it, which must be one list."""
    found = {}
    for step in plan["steps"]:
        layer, part = layer_of(step, layers)
        if layer is None or part in ("stat", "wgrad", "dgrad", "update") or step["kind"] in ("gsum", "loss"):
            if "fused" in step:
                raise Mismatch(f"{step['name']} does {step['fused']}")
        elif found.setdefault(layer["name"], step.get("fused", [])) != step.get("fused", []):
            raise Mismatch(f"{step['name']} does {step.get('fused', [])}, another step of its layer does not")
    return {name: names for name, names in found.items() if names}


def readers_of(network):
    readers = {}
    for layer in network["layers"]:
        for value in layer["inputs"]:
            readers.setdefault(value, []).append(layer["name"])
    return readers


def must_be_legal(layers, readers, host, names, inference):
    """Each reads the one before and alone does; nothing that training changes is folded."""
    before = host
    for name in names:
        if readers.get(before) != [name] or layers[name]["inputs"] != [before]:
            raise Mismatch(f"{name} is done with {host}, but is not all that reads {before}")
        if layers[host]["op"] in PRODUCTS and not inference:
            raise Mismatch(f"{name} is done with {host} in training")
        if layers[name]["op"] == "norm" and (layers[name]["kind"] != "batch" or before != host):
            raise Mismatch(f"{name} is folded into {host}")
        before = name


def folded(torch, layer, own, parameters):
    """The product's parameters with a batch norm's in them."""
    mean, variance = running_statistics(torch, len(parameters[0]))
    factor = parameters[0] / (variance + EPSILON).sqrt()
    shift = parameters[1] - mean * factor
    weights = own[0]
    if layer["op"] == "conv_transpose":  # [in, out / groups, ...]
        groups = layer.get("groups", 1)
        per_group = factor.reshape(groups, -1).repeat_interleave(weights.shape[0] // groups, 0)
        weights = weights * per_group.reshape(*per_group.shape, *[1] * (weights.dim() - 2))
    else:
        weights = weights * factor.reshape(-1, *[1] * (weights.dim() - 1))
    return [weights, shift + (own[1] * factor if len(own) > 1 else 0)]


def fuse(torch, reference, plan):
    """The reference as the plan's layers have it: their outputs and parameters; or as it is, where none is fused."""
    network, layers = reference.network, reference.layers
    doing = named(plan, layers)
    readers = readers_of(network)
    host = {}
    parameters = dict(reference.parameters)
    for name, names in doing.items():
        must_be_legal(layers, readers, name, names, plan["phase"] == "inference")
        for other in names:
            if other in host:
                raise Mismatch(f"{other} is done twice")
            host[other] = name
        first = layers[names[0]]
        if first["op"] == "norm":
            parameters[name] = [p.detach() for p in folded(torch, layers[name], parameters[name],
                                                           parameters[first["name"]])]
    own = {step["name"] for step in plan["steps"]}
    for layer in network["layers"]:
        if layer["op"] not in VIEWS and layer["name"] not in host and layer["name"] not in own:
            raise Mismatch(f"{layer['name']} is done by no step")
    made = []
    for layer in network["layers"]:
        if layer["name"] not in host:
            behind = [layers[n] for n in doing.get(layer["name"], ())]
            bias = {"bias": True} if behind and behind[0]["op"] == "norm" else {}
            made.append({**layer, **bias, "inputs": [host.get(i, i) for i in layer["inputs"]],
                         **({"fused": behind} if behind else {})})
    values = {n: reference.values[doing[n][-1] if n in doing else n] for n in reference.values if n not in host}
    return SimpleNamespace(
        network={**network, "layers": made}, layers={layer["name"]: layer for layer in made}, image=reference.image,
        target=reference.target, inference=reference.inference, values=values, loss=reference.loss,
        parameters={n: p for n, p in parameters.items() if n not in host},
        gradients={n: g for n, g in reference.gradients.items() if n not in host})


def count(plan):
    """How many layers of the network have no step of their own."""
    return len({name for step in plan["steps"] for name in step.get("fused", ())})
