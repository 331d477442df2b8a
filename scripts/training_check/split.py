"""The split program of a plan's (section 11: norms in two steps), and groups of it that are chosen here."""

from training_check.rows import Rows, layer_of, statistics_in_rows
from training_check.step_rows import give_rows


def split_program(plan, network, shapes):
    """A plan without groups."""
    rows = Rows(network, shapes, [t["name"] for t in plan["tensors"]])
    made = {"steps": [], "tensors": [dict(t) for t in plan["tensors"]], "batch": plan["batch"], "phase": plan["phase"]}
    for old in plan["steps"]:
        step = {**old, "reads": list(old["reads"]), "writes": list(old["writes"])}
        layer, part = layer_of(step, rows.layers)
        affine = layer and layer.get("kind") == "batch" and plan["phase"] == "inference"
        if not layer or layer["op"] != "norm" or part not in ("", "bwd") or affine or statistics_in_rows(rows, layer):
            made["steps"].append(step)
            continue
        statistics = {"id": len(made["tensors"]), "name": f"{step['name']}.statistics", "bytes": 0}
        made["tensors"].append(statistics)
        running = {s["running"] for s in step.get("sums", ())}  # it is the application that adds to a gradient
        made["steps"].append({**step, "name": f"{step['name']}.stat", "kind": f"{step['kind']}.stat",
                              "reads": [t for t in step["reads"] if t not in running],
                              "writes": [statistics["id"]], "weight_bytes": 0})
        made["steps"][-1].pop("sums", None)
        if part == "":  # the statistics are of what the norm reads
            made["steps"][-1].pop("fused", None)
        step["reads"].append(statistics["id"])
        step["accumulator_bytes"] = 0
        if step["writes"]:
            made["steps"].append(step)
    adders = {step["id"]: k for k, step in enumerate(made["steps"]) if step["accumulator_bytes"] > 0}
    for k, step in enumerate(made["steps"]):
        adder = adders.get(step["id"]) == k
        step["id"] = k
        step.pop("same_weights", None)  # of which groups that pin nothing need not know
        before = step.pop("same_accumulators", None)
        if adder and before is not None:
            step["same_accumulators"] = adders[before]
    return give_rows(made, rows)


def with_groups(program, groups):
    """groups: (first step, last step, strips, or sub-batch where strips is 1)"""
    batch = program["batch"]
    plan = {**program, "groups": [], "resident": []}
    last = {}
    for begin, end, strips, size in groups:
        size = 1 if strips > 1 else size
        plan["groups"].append({"first": begin, "last": end, "strips": strips, "sub_batch": size,
                               "iterations": batch * strips if strips > 1 else -(-batch // size)})
        for s in program["steps"][begin:end + 1]:
            for t in s["reads"] + s["writes"]:
                if last.get(t, -1) >= begin:
                    plan["resident"].append({"tensor": t, "from": last[t], "to": s["id"]})
                last[t] = s["id"]
    return plan


def tallest(program, begin, end):
    rows = [program["tensors"][t]["rows"] for s in program["steps"][begin:end + 1] for t in s["reads"] + s["writes"]]
    return max(rows, default=1)  # an update has no operands


def coupled_within(program, network, begin, end):
    """Whether a group holds a kept batch norm's statistics and their use."""
    layers = {layer["name"]: layer for layer in network["layers"]}
    seen = set()
    for s in program["steps"][begin:end + 1]:
        layer, part = layer_of(s, layers)
        if layer and layer.get("kind") == "batch" and program["phase"] != "inference":
            if part.endswith("stat"):
                seen.add((layer["name"], part))
            elif (layer["name"], (part + ".stat").lstrip(".")) in seen:
                return True
    return False


def random_groups(random, program, network):
    """Some partition of the steps, and some strips or sub-batches."""
    groups, begin, steps, batch = [], 0, len(program["steps"]), program["batch"]
    while begin < steps:
        end = min(steps, begin + random.choice((1, 2, 3, 5, 8, 13, 21))) - 1
        together = random.random() < 0.3  # a kept batch norm's statistics and their use, in one iteration
        while not together and coupled_within(program, network, begin, end):
            end -= 1
        if coupled_within(program, network, begin, end):
            groups.append((begin, end, 1, batch))
            begin = end + 1
            continue
        high = tallest(program, begin, end)
        choices = sorted({-(-high // 2 ** q) for q in range(high.bit_length())} - {1})
        strips = random.choice(choices) if choices and random.random() < 0.8 else 1
        groups.append((begin, end, strips, random.randint(1, batch)))
        begin = end + 1
    return groups
