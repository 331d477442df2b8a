#!/usr/bin/python3
"""
Turns a PyTorch model into an mbsopt-network/1 file: the name of a torchvision constructor, or package.module:function.
The model is built untrained and exported as it trains. Needs Debian's python3-torch, python3-torchvision, python3-onnx.
"""

import argparse
import inspect
import os
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import import_onnx  # noqa: E402

BATCH = 2  # unlike 1 it cannot be mistaken for another dimension of size 1
OPSET = 16


class ModelFault(Exception):
    pass


def constructor(spec):
    import importlib
    if ":" in spec:
        module, _, name = spec.partition(":")
        sys.path.insert(0, os.getcwd())
        places = [module]
    else:
        name, places = spec, ["torchvision.models", "torchvision.models.segmentation"]
    for place in places:
        try:
            found = getattr(importlib.import_module(place), name, None)
        except ImportError as error:
            raise ModelFault(f"{place}: {error}") from None
        if callable(found):
            return found
    raise ModelFault(f"no function {name!r} in {' or '.join(places)}")


def without_initial_values(torch):
    """Random values cost time and mean nothing here."""
    def leave(tensor, *_, **__):
        return tensor
    for name in ("normal_", "uniform_", "trunc_normal_", "kaiming_normal_", "kaiming_uniform_", "xavier_uniform_",
                 "xavier_normal_"):
        setattr(torch.nn.init, name, leave)


def build(spec, keywords):
    """The model in training mode."""
    import torch
    make = constructor(spec)
    without_initial_values(torch)
    accepted = inspect.signature(make).parameters
    arguments = dict(keywords)
    for name in ("weights", "weights_backbone"):
        if name in accepted or any(p.kind == p.VAR_KEYWORD for p in accepted.values()) and name == "weights":
            arguments.setdefault(name, None)
    if ":" in spec and "weights" not in accepted:
        arguments.pop("weights", None)
    torch.manual_seed(0)
    model = make(**arguments)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.02)
    return model.train()


def default_size(spec, model):
    size = getattr(model, "image_size", None)
    if isinstance(size, int):
        return size
    return 299 if spec == "inception_v3" else 256 if spec.startswith("swin_v2") else 224


def tensors_in(result):
    if hasattr(result, "shape"):
        return [result]
    if isinstance(result, dict):
        result = result.values()
    return [t for part in result if part is not None for t in tensors_in(part)] if result is not None else []


def teach_exporter(torch):
    """What torch.onnx cannot write down, in terms of what it can; the bytes and shapes are the same."""
    import torchvision
    from torch.onnx import register_custom_op_symbolic, symbolic_helper

    def stochastic_depth(self, x):
        if self.p == 0 or not self.training:
            return x
        return x * torch.rand([x.shape[0]] + [1] * (x.ndim - 1), device=x.device)  # a factor for each sample

    def zero(g, x):
        return g.op("Mul", x, g.op("Constant", value_t=torch.tensor(0.0)))

    def adaptive_avg_pool2d(g, x, size):
        """Windows of one size that cover the input, as near as an ordinary pool comes."""
        wanted = symbolic_helper._parse_arg(size, "is")
        if list(wanted) == [1, 1]:
            return g.op("GlobalAveragePool", x)
        found = symbolic_helper._get_tensor_sizes(x)[2:]
        strides = [f // w for f, w in zip(found, wanted)]
        kernel = [f - (w - 1) * s for f, w, s in zip(found, wanted, strides)]
        return g.op("AveragePool", x, kernel_shape_i=kernel, strides_i=strides)

    torchvision.ops.StochasticDepth.forward = stochastic_depth
    register_custom_op_symbolic("aten::zero", zero, OPSET)
    register_custom_op_symbolic("aten::adaptive_avg_pool2d", adaptive_avg_pool2d, OPSET)


def export(model, shape, path):
    """Writes the model's graph, parameters as its inputs, and returns the shapes of its outputs."""
    import torch
    teach_exporter(torch)
    shapes = []

    class Flat(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, image):
            found = tensors_in(self.inner(image))
            shapes[:] = [list(t.shape) for t in found]
            return tuple(found)

    image = torch.zeros(BATCH, *shape)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(Flat(model), image, path, export_params=False, do_constant_folding=False,
                          training=torch.onnx.TrainingMode.TRAINING, opset_version=OPSET,
                          keep_initializers_as_inputs=True, input_names=["image"])
    return shapes


def convert(model, name, shape, **overruling):
    """(text of the network file, notes, output shapes) of a model; `overruling` goes to the importer's Options."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        shapes = export(model, shape, path)
        import onnx
        proto = onnx.load(path)
        parameters = {"inner." + n for n, _ in model.named_parameters()}
        fixed = {i.name for i in proto.graph.input} - {"image"}
        # the exporter numbers what the scripted names do not cover; every float that trains is one of these
        options = import_onnx.Options(learned=parameters, fixed_inputs=fixed, **overruling)
        for node in proto.graph.node:
            if node.name.startswith("/inner/"):
                node.name = node.name[len("/inner"):]
        onnx.save(proto, path)
        text, notes = import_onnx.convert(path, name, options, BATCH)
    return text, notes, shapes


def image_shape(text):
    try:
        dims = [int(d) for d in text.split("x")]
    except ValueError:
        dims = []
    if not 1 <= len(dims) <= 8 or min(dims) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected 3x224x224 without the batch")
    return dims


def keyword(text):
    import ast
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"found {text!r}, expected NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def main():
    parser = import_onnx.Parser(description=__doc__)
    parser.add_argument("model", help="a torchvision constructor (resnet50), or package.module:function")
    parser.add_argument("--shape", type=image_shape, metavar="CxHxW",
                        help="the image, as 3x224x224 (default: 3x224x224; 299 for inception_v3, 256 for swin_v2)")
    parser.add_argument("--set", action="append", default=[], type=keyword, metavar="NAME=VALUE",
                        help="an argument for the constructor, as aux_logits=False")
    import_onnx.add_arguments(parser)
    given = parser.parse_args()
    try:
        import onnx  # noqa: F401
        import torch  # noqa: F401
        from onnx_network.values import Fault
    except ImportError as error:
        print(f"import_torch.py: needs Debian's python3-torch, python3-torchvision and python3-onnx: {error}",
              file=sys.stderr)
        return 5
    try:
        model = build(given.model, given.set)
        shape = given.shape or [3] + [default_size(given.model, model)] * 2
        text, notes, _ = convert(model, given.name or given.model.rpartition(":")[2], shape,
                                  **import_onnx.overruling(given))
        for note in notes:
            print(f"import_torch.py: {given.model}: {import_onnx.one_line(note)}", file=sys.stderr)
        import_onnx.write_whole(given.file, text)
    except (Fault, ModelFault) as fault:
        print(f"import_torch.py: {given.model}: {import_onnx.one_line(str(fault))}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"import_torch.py: {error.filename or given.file}: {error.strerror}", file=sys.stderr)
        return 5
    except Exception as error:  # a model's own code may raise anything
        line = " ".join(str(error).split())[:300]
        print(f"import_torch.py: {given.model}: {type(error).__name__}: {line}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
