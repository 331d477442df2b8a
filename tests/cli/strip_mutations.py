"""What can be wrong with a plan of strips (`mbsopt-plan/2`): see test_mutations.py."""

import functools


def strip_group(plan):
    """A group of strips, or None."""
    return next((group for group in plan["groups"] if "strips" in group), None)


def on_strip_group(change):
    """A mutation of a plan's first group of strips."""
    @functools.wraps(change)
    def mutation(plan):
        group = strip_group(plan)
        return None if group is None else change(plan, group)
    return mutation


def set_strips(plan, group, strips):
    group["strips"], group["iterations"] = strips, plan["batch"] * strips


@on_strip_group
def a_strip_more(plan, group):
    set_strips(plan, group, group["strips"] + 1)
    return "strips of a sample"


@on_strip_group
def strips_beyond_the_rows(plan, group):
    set_strips(plan, group, 10 ** 6)
    return "strips of a sample"


@on_strip_group
def strips_beyond_64_bits(_, group):
    group["strips"] = 2 ** 63
    return "strips"


@on_strip_group
def strips_in_half(plan, group):
    """As many as there may be, too, but then more is in the buffer."""
    if group["strips"] % 2 or group["strips"] == 2:
        return None
    set_strips(plan, group, group["strips"] // 2)
    return ""


@on_strip_group
def one_strip_of_many(_, group):
    group["strips"] = 1
    return "iterations"


@on_strip_group
def no_strips_of_strips(_, group):
    group["strips"] = 0
    return "strips"


@on_strip_group
def strips_taken_away(_, group):
    del group["strips"]
    return "iterations"


@on_strip_group
def an_iteration_left_out(_, group):
    group["iterations"] -= 1
    return "iterations"


@on_strip_group
def strips_of_two_samples(_, group):
    group["sub_batch"] = 2
    return "sub-batch"


@on_strip_group
def strips_of_the_first_version(plan, _):
    plan["format"] = "mbsopt-plan/1"
    return "unknown member \"rows\""


@on_strip_group
def strip_group_in_passes(_, group):
    group["passes"] = 2
    return "passes"


@on_strip_group
def whole_samples_made_strips(plan, _):
    whole = [group for group in plan["groups"] if "strips" not in group and group["iterations"] > 1]
    if not whole:
        return None
    whole[0]["strips"] = 2
    return "strips"


@on_strip_group
def no_rows_in_a_step(plan, group):
    del plan["steps"][group["first"]]["rows"]
    return "rows"


@on_strip_group
def no_rows_in_a_tensor(plan, group):
    del plan["tensors"][plan["steps"][group["first"]]["writes"][0]]["rows"]
    return "rows"


@on_strip_group
def a_row_more_in_a_step(plan, group):
    plan["steps"][group["first"]]["rows"] += 1
    return "rows"


@on_strip_group
def a_row_less_in_a_tensor(plan, group):
    written = plan["steps"][group["first"]]["writes"][0]
    if plan["tensors"][written]["rows"] == 1:
        return None
    plan["tensors"][written]["rows"] -= 1
    return "rows"


@on_strip_group
def rows_beyond_64_bits(plan, group):
    plan["steps"][group["first"]]["rows"] = 2 ** 63
    return "rows"


def on_map(kind):
    """A mutation of the first row map of that kind: (plan, step, map)."""
    def decorate(change):
        @functools.wraps(change)
        def mutation(plan):
            for step in plan["steps"]:
                for map_ in step.get("maps", []):
                    if map_["kind"] == kind:
                        return change(plan, step, map_)
            return None
        return mutation
    return decorate


@on_map("window")
def maps_left_out(_plan, step, _map):
    del step["maps"]
    return "rows"


@on_map("window")
def map_of_a_larger_window(_plan, _step, map_):
    map_["window"] += 1
    return "window"


@on_map("window")
def map_of_no_stride(_plan, _step, map_):
    map_["stride"] = 0
    return "stride"


@on_map("window")
def map_without_a_window(_plan, _step, map_):
    del map_["window"]
    return "window"


@on_map("window")
def map_of_a_kind_unknown(_plan, _step, map_):
    map_["kind"] = "diagonal"
    return "diagonal"


@on_map("window")
def map_of_the_wrong_way(_plan, _step, map_):
    map_["kind"] = "transposed"
    return "transposed"


@on_map("window")
def map_twice(_plan, step, map_):
    step["maps"].append(dict(map_))
    return "map already"


@on_map("window")
def map_of_a_tensor_not_read(_plan, step, map_):
    map_["tensor"] = step["writes"][0] if step["writes"] else 0
    return "does not read"


@on_map("whole")
def map_of_whole_left_out(_plan, step, _map):
    step["maps"] = [m for m in step["maps"] if m["kind"] != "whole"]
    return "rows"


STRIP_MUTATIONS = [
    a_strip_more, strips_beyond_the_rows, strips_beyond_64_bits, strips_in_half, one_strip_of_many,
    no_strips_of_strips, strips_taken_away, an_iteration_left_out, strips_of_two_samples,
    strips_of_the_first_version, strip_group_in_passes, whole_samples_made_strips, no_rows_in_a_step,
    no_rows_in_a_tensor, a_row_more_in_a_step, a_row_less_in_a_tensor, rows_beyond_64_bits,
    maps_left_out, map_of_a_larger_window, map_of_no_stride, map_without_a_window,
    map_of_a_kind_unknown, map_of_the_wrong_way, map_twice, map_of_a_tensor_not_read,
    map_of_whole_left_out]
