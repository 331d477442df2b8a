"""Attention as one operator: products of activations, a softmax between them."""

from math import prod

from onnx_network.operands import operand
from onnx_network.ops_fused import summed
from onnx_network.ops_gather import embedding
from onnx_network.ops_norms import affine_norm, last_axes
from onnx_network.ops_products import linear, product
from onnx_network.values import Activation, unsupported


def packed_attention(c, node, values):
    """One product for queries, keys and values, and what follows; of no past and without unusual masks."""
    x, weight = values[0], values[1]
    without_past(c, node, values[4:5])
    if isinstance(weight, Activation) or weight.shape is None or len(x.shape) != 3:
        raise unsupported("has weights of unknown shape, or no tokens in three dimensions, which is not supported")
    sizes = list(node.attrs.get("qkv_hidden_sizes") or [weight.shape[1] // 3] * 3)
    whole = linear(c, node, x, weight.shape[0], sum(sizes), (node.inputs[1], weight), operand(node, values, 2))
    ends = [sum(sizes[:i + 1]) for i in range(3)]
    parts = [c.slice(f"{node.title()}.{part}", whole, 2, end - size, end)
             for part, size, end in zip("qkv", sizes, ends)]
    return attend(c, node, *parts, node.attrs["num_heads"])


def without_past(c, node, past):
    """Refuses what a decoder keeps from one token to the next."""
    kept = [name for name in node.outputs[1:] if name and (name in c.graph.consumers or name in c.graph.outputs)]
    if kept or any(v is not None for v in past):
        raise unsupported("keeps keys and values of the past, which is not supported")


def standard_attention(c, node, values):
    """Of opset 23: queries, keys, values, a mask."""
    query, key, value = values[:3]
    without_past(c, node, values[4:6])
    mask = operand(node, values, 3)
    if any(not isinstance(v, Activation) or v.axis != 0 or v.shape[0] != c.batch for v in (query, key, value)):
        raise unsupported("has fixed queries, keys or values, which is not supported")
    if len(query.shape) == 4:
        return attend_heads(c, node, query, key, value, mask)
    return attend(c, node, query, key, value, node.attrs["q_num_heads"], node.attrs["kv_num_heads"], mask)


def several_heads(c, node, values):
    """com.microsoft's MultiHeadAttention: queries, keys and values, and a learned bias of all three."""
    parts = list(values[:3])
    if any(not isinstance(v, Activation) or len(v.shape) != 3 or v.axis != 0 for v in parts) or len(values) < 3:
        raise unsupported("has queries, keys and values in one tensor or in heads, which is not supported")
    without_past(c, node, values[6:8])
    if len(values) > 3 and values[3] is not None:
        learned = c.learning.in_slot(node.inputs[3], values[3])
        if learned != sum(v.shape[2] for v in parts):
            raise unsupported("has a bias of another size than its queries, keys and values, which is not supported")
        parts = [c.unary(f"{node.title()}.bias", "bias", v, parameters=v.shape[2]) for v in parts]
    return attend(c, node, *parts, node.attrs["num_heads"], None, operand(node, values, 5))


def embedded(c, node, values):
    """com.microsoft's EmbedLayerNormalization: tokens and their kinds looked up, learned positions, a norm."""
    tokens, kinds, table, positions, table_of_kinds = values[:5]
    if not isinstance(tokens, Activation):
        raise unsupported("has fixed tokens, which is not supported")
    x = embedding(c, node, (node.inputs[2], table), tokens, 0)
    if isinstance(kinds, Activation) and table_of_kinds is not None:
        x = summed(c, node, [x, embedding(c, node, (node.inputs[4], table_of_kinds), kinds, 0)], "")
    if positions is not None:
        x = c.unary(node.title() + ".positions", "bias", x, parameters=c.learning.fresh(positions) or None)
    made = affine_norm(c, node, x, operand(node, values, 5), operand(node, values, 6), **last_axes(c, x, [-1]))
    return [made, None, x]


def rotary(c, node, values):
    """Each pair of features turned by an angle that does not depend on the sample."""
    return c.unary(node.title(), "elementwise", values[0])


def split_heads(c, title, x, heads):
    """[batch, tokens, features] as [batch, heads, tokens, features of a head]."""
    batch, tokens, features = x.shape
    x = c.reshape(x, [batch, tokens, heads, features // heads])
    return c.permute(title, x, [0, 2, 1, 3])


def attend(c, node, query, key, value, heads, kv_heads=None, mask=None):
    """Softmax of queries times keys, times values; all [batch, tokens, features]."""
    title = node.title()
    if any(v.shape[2] % n for v, n in ((query, heads), (key, kv_heads or heads), (value, kv_heads or heads))):
        raise unsupported(f"has features that {heads} heads do not divide, which is not supported")
    query = split_heads(c, title + ".queries", query, heads)
    key = split_heads(c, title + ".keys", key, kv_heads or heads)
    value = split_heads(c, title + ".values", value, kv_heads or heads)
    made = attend_heads(c, node, query, key, value, mask)
    made = c.permute(title + ".joined", made, [0, 2, 1, 3])
    return c.reshape(made, [*made.shape[:2], prod(made.shape[2:])])


def attend_heads(c, node, query, key, value, mask=None):
    """The same of [batch, heads, tokens, features of a head]; keys and values may have fewer heads."""
    title = node.title()
    if key.shape[1] != query.shape[1]:
        times = query.shape[1] // key.shape[1]
        key, value = (shared_heads(c, title, v, times) for v in (key, value))
    key = c.real(key)
    turned = Activation("", [], [*key.shape[:2], key.shape[3], key.shape[2]], key.axis, key.outer, swapped=key)
    scores = product(c, node, query, turned)
    if mask is not None:
        scores = summed(c, node, [scores, mask[1]], mask[0])
    scores = c.unary(title + ".softmax", "softmax", scores)
    return product(c, node, scores, value)


def shared_heads(c, title, x, times):
    """Each head several times, for as many queries."""
    batch, heads, tokens, features = x.shape
    x = c.reshape(x, [batch, heads, 1, tokens, features])
    x = c.repeat(title + ".shared", x, 2, times)
    return c.reshape(x, [batch, heads * times, tokens, features])
