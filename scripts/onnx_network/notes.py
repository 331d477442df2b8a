"""What an import says of itself, besides what single operators say."""

import re

FOLDED_NAME = re.compile(r"(onnx::Conv_)?\d+$")  # what PyTorch calls a weight that it folded a batch norm into
EXPORT = ("export with torch.onnx.export(model, ..., training=torch.onnx.TrainingMode.TRAINING, "
          "do_constant_folding=False), or use import_torch.py")


def folded_norms(c):
    """A model that was exported for inference has its batch norms in its convolutions."""
    if c.learning.given is not None:
        return
    convolutions = [n for n in c.graph.nodes if n.op in ("Conv", "FusedConv", "QLinearConv")]
    biased = [n for n in convolutions if len(n.inputs) > (8 if n.op == "QLinearConv" else 2)]
    normed = any(entry["op"] == "norm" for entry in c.layers)
    named = [n for n in biased if n.op == "Conv" and n.inputs[1] in c.graph.initializers
             and FOLDED_NAME.match(n.inputs[1])]
    if named and len(named) > 1:
        yield (f"{len(named)} convolutions have the names of weights that batch norms were folded into: the plan is of "
               f"a network without these norms, which moves far fewer bytes than its training does; {EXPORT}")
    elif len(biased) > 2 and not normed:
        yield (f"{len(biased)} biased convolutions and no norm: if the model was exported for inference, its batch "
               f"norms were folded into them, and its training moves far more bytes; then {EXPORT}")


def cut(c):
    """What --cut leaves out."""
    if c.graph.cut and c.graph.outside:
        ops = sorted({n.op for n in c.graph.outside})
        shown = ", ".join(ops[:6]) + (", …" if len(ops) > 6 else "")
        yield f"cut at {c.graph.cut}: {len(c.graph.outside)} nodes that it does not need are left out ({shown})"


def all_notes(c):
    return [*cut(c), *folded_norms(c), *c.learning.notes()]
