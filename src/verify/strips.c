/*
 * Executing a strip group: one sample strip by strip, step by step, row by row (model, section 11).
 * Every sample finds the buffer empty and what earlier groups left in DRAM, so the replay of one is
 * that of all.
 */
#include <inttypes.h>

#include "base/checked.h"
#include "verify/replay.h"

static const mbs_tensor *tensor_of(const replay *r, int32_t touch)
{
    return &r->program->tensors[r->program->touches[touch].tensor];
}

static strip_tensor *state_of(const replay *r, int32_t touch)
{
    return &r->strips.tensors[r->program->touches[touch].tensor];
}

static row_range needed_by(const replay *r, int32_t k, int32_t touch, int64_t row)
{
    const mbs_row_map *map = &r->program->maps[r->program->touches[touch].map];
    return rows_needed(map, r->program->steps[k].rows, tensor_of(r, touch)->rows, row);
}

/* ---- The form -------------------------------------------------------------------------------- */

/* Row counts whose products fit 64 bits. A step without operands has as many rows as it says. */
static bool are_few_rows(const replay *r, const mbs_group *group, int64_t height)
{
    int64_t most = height;
    for (int32_t k = group->first; k < group->end; k++)
        most = max_i64(most, r->program->steps[k].rows);
    return most <= INT32_MAX;
}

/* The rows of the group's tallest tensor. */
static int64_t height_of(const replay *r, const mbs_group *group)
{
    const mbs_step *steps = r->program->steps;
    int64_t height = 0;
    for (int32_t t = steps[group->first].touch_begin; t < steps[group->end - 1].touch_end; t++)
        height = max_i64(height, tensor_of(r, t)->rows);
    return height;
}

/* Whether halving the rows again and again, rounded up, gives that many strips. */
static bool is_strip_count(int64_t strips, int64_t height)
{
    while (strips > 1 && height > strips)
        height = height / 2 + height % 2;
    return strips > 1 && height == strips;
}

static void check_form(replay *r, int32_t g)
{
    const mbs_group *group = &r->plan->groups[g];
    const size_t before = r->faults;
    if (!r->program->has_rows) {
        group_fault(r, RULE_STRIPS, g,
                    "%" PRId64 " strips of a sample, but the rows of its steps are not known",
                    group->strips);
        r->broken = true;
        return;
    }
    const int64_t height = height_of(r, group);
    if (!are_few_rows(r, group, height))
        group_fault(r, RULE_RANGE, g,
                    "%" PRId64 " strips of a sample, but steps or tensors have more than %d rows",
                    group->strips, INT32_MAX);
    else if (!is_strip_count(group->strips, height))
        group_fault(r, RULE_STRIPS, g,
                    "%" PRId64 " strips of a sample, expected 1, or the %" PRId64
                    " rows of its tallest tensor or what halving them, rounded up, comes to",
                    group->strips, height);
    else if (group->iterations != r->plan->batch * group->strips || group->sub_batch != 1)
        group_fault(r, RULE_ITERATIONS, g,
                    "%" PRId64 " iterations and a sub-batch of %" PRId64
                    " samples, expected %" PRId64 " and 1: %" PRId64 " strips of each of %" PRId64
                    " samples",
                    group->iterations, group->sub_batch, r->plan->batch * group->strips,
                    group->strips, r->plan->batch);
    r->broken = r->broken || r->faults > before;
}

static int64_t rounds(const mbs_group *group)
{
    return group->strips;
}

/* ---- What a group begins with ---------------------------------------------------------------- */

/* The group's first touch of a tensor: it comes from DRAM, or is made here. */
static void meet_tensor(replay *r, int32_t k, int32_t t, bool is_read)
{
    const int32_t id = r->program->touches[t].tensor;
    const int32_t stored = r->tensors[id].stored;
    *state_of(r, t) = (strip_tensor){
        .group = r->group,
        .writer = is_read ? -1 : k,
        .first_step = k,
        .whole = !is_read && tensor_of(r, t)->rows != r->program->steps[k].rows,
    };
    r->strips.touched[r->strips.touched_count++] = id;
    if (r->arrives[t])
        step_fault(r, RULE_BUFFER_USE, k,
                   "expects tensor %d %s in the buffer, where no group before leaves it", id,
                   tensor_name(r, id).text);
    else if (is_read && stored < r->batch)
        step_fault(r, RULE_DRAM_READ, k,
                   "reads %d samples of tensor %d %s from DRAM, which holds %d of them", r->batch,
                   id, tensor_name(r, id).text, stored);
}

static void meet_touch(replay *r, int32_t k, int32_t t)
{
    const int32_t id = r->program->touches[t].tensor;
    const bool is_read = t < r->program->steps[k].write_begin;
    strip_tensor *state = state_of(r, t);
    const bool is_first = state->group != r->group;
    if (is_first)
        meet_tensor(r, k, t, is_read);
    else if (!r->arrives[t])
        step_fault(r, RULE_RESIDENCY, k,
                   "finds tensor %d %s no longer in the buffer, where a strip group keeps it from "
                   "step %d on",
                   id, tensor_name(r, id).text, state->last_step);
    if (is_read && state->writer >= 0)
        r->strips.steps[state->writer].feeds = true;
    if (!is_read && (!is_first || r->tensors[id].produced > 0))
        step_fault(r, RULE_WRITTEN_ONCE, k, "writes tensor %d %s, which was %s before", id,
                   tensor_name(r, id).text,
                   r->tensors[id].produced > 0 || state->writer >= 0 ? "written" : "read");
    state->last_step = k;
    state->last_touch = t;
}

static void open_group(replay *r, const mbs_group *group)
{
    const mbs_step *steps = r->program->steps;
    r->strips.touched_count = 0;
    for (int32_t k = group->first; k < group->end; k++) {
        r->strips.steps[k] = (strip_step){0};
        for (int32_t t = steps[k].touch_begin; t < steps[k].touch_end; t++)
            meet_touch(r, k, t);
    }
    for (int32_t i = 0; i < r->strips.touched_count; i++) {
        const int32_t id = r->strips.touched[i];
        const strip_tensor *state = &r->strips.tensors[id];
        if (r->plan->resident[state->last_touch])
            step_fault(r, RULE_RESIDENCY, state->last_step,
                       "leaves tensor %d %s in the buffer for a later step, but none of its group "
                       "touches it",
                       id, tensor_name(r, id).text);
    }
}

/* ---- A strip --------------------------------------------------------------------------------- */

/* A later step must find the tensor's rows before `end`: so many rows must its writer have done. */
static void pass_demand(const replay *r, int32_t touch, int64_t end)
{
    strip_tensor *state = state_of(r, touch);
    if (state->writer < 0) {
        state->wanted = max_i64(state->wanted, end);
        return;
    }
    strip_step *writer = &r->strips.steps[state->writer];
    const int64_t all = r->program->steps[state->writer].rows;
    writer->demand = max_i64(writer->demand, !state->whole ? end : end > 0 ? all : 0);
}

/* How far each step goes: no further than the steps behind it ask for. */
static void set_targets(replay *r, const mbs_group *group)
{
    const bool is_last = r->iteration == group->strips - 1;
    for (int32_t k = group->end; k-- > group->first;) {
        const mbs_step *step = &r->program->steps[k];
        strip_step *state = &r->strips.steps[k];
        if (is_last)
            state->target = step->rows;
        else if (state->feeds)
            state->target = state->demand;
        else /* nobody waits for it: an even share */
            state->target = ceil_div((r->iteration + 1) * step->rows, group->strips);
        state->demand = 0;
        for (int32_t t = step->touch_begin; t < step->write_begin && state->target > 0; t++)
            pass_demand(r, t, needed_by(r, k, t, state->target - 1).hi);
    }
    for (int32_t i = 0; is_last && i < r->strips.touched_count; i++) {
        const int32_t id = r->strips.touched[i];
        r->strips.tensors[id].wanted = r->program->tensors[id].rows;
    }
}

/* Rows [from, to) of the step, of which there is one at least, need these of an operand. */
static void check_read(replay *r, int32_t k, int32_t t, int64_t from, int64_t to)
{
    const row_range held = state_of(r, t)->held;
    const row_range need = {needed_by(r, k, t, from).lo, needed_by(r, k, t, to - 1).hi};
    if (need.lo >= need.hi || (held.lo <= need.lo && need.hi <= held.hi))
        return;
    const int32_t id = r->program->touches[t].tensor;
    step_fault(r, RULE_BUFFER_USE, k,
               "needs rows %" PRId64 " to %" PRId64 " of tensor %d %s, of which rows %" PRId64
               " to %" PRId64 " are in the buffer",
               need.lo, need.hi - 1, id, tensor_name(r, id).text, held.lo, held.hi - 1);
}

/*
 * Rows [from, to) of what the step writes take the place of an operand: of that exactly these rows
 * are there, and from then on none is.
 */
static void replace_rows(replay *r, int32_t k, int64_t from, int64_t to)
{
    const int32_t over = r->plan->over[k];
    if (over < 0)
        return;
    strip_tensor *state = state_of(r, over);
    const int32_t id = r->program->touches[over].tensor;
    if (state->held.lo != from || state->held.hi != to)
        step_fault(r, RULE_IN_PLACE, k,
                   "writes rows %" PRId64 " to %" PRId64
                   " over tensor %d %s, of which rows %" PRId64 " to %" PRId64 " are in the buffer",
                   from, to - 1, id, tensor_name(r, id).text, state->held.lo, state->held.hi - 1);
    state->most = max_i64(state->most, state->held.hi - state->held.lo);
    state->held.lo = state->held.hi;
}

static void execute_step(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    strip_step *state = &r->strips.steps[k];
    const int64_t from = state->done;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        strip_tensor *tensor = state_of(r, t);
        if (tensor->first_step == k && tensor->writer < 0)
            tensor->held.hi = tensor->wanted;
        if (from < state->target)
            check_read(r, k, t, from, state->target);
    }
    state->done = state->target;
    replace_rows(r, k, from, state->done);
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        strip_tensor *tensor = state_of(r, t);
        if (!tensor->whole)
            tensor->held.hi = state->done;
        else if (state->done == step->rows)
            tensor->held.hi = tensor_of(r, t)->rows;
    }
}

/* The lowest row of each tensor that a step needs for the rows it has not done yet. */
static void find_needed(replay *r, const mbs_group *group)
{
    for (int32_t i = 0; i < r->strips.touched_count; i++) {
        strip_tensor *state = &r->strips.tensors[r->strips.touched[i]];
        state->needed = state->held.hi;
    }
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &r->program->steps[k];
        const int64_t done = r->strips.steps[k].done;
        for (int32_t t = step->touch_begin; t < step->write_begin && done < step->rows; t++) {
            strip_tensor *state = state_of(r, t);
            state->needed = min_i64(state->needed, needed_by(r, k, t, done).lo);
        }
    }
}

/* At the end of a strip: what no step needs any more goes, the rest stays for the next. */
static void drop_rows(replay *r, const mbs_group *group)
{
    find_needed(r, group);
    for (int32_t i = 0; i < r->strips.touched_count; i++) {
        strip_tensor *state = &r->strips.tensors[r->strips.touched[i]];
        state->most = max_i64(state->most, state->held.hi - state->held.lo);
        if (state->whole || r->iteration == group->strips - 1)
            continue;
        state->held.lo = max_i64(state->held.lo, state->needed);
        state->most_kept = max_i64(state->most_kept, state->held.hi - state->held.lo);
    }
}

/* ---- The group ------------------------------------------------------------------------------- */

/* Of a step's accumulators `loose` bytes are not pinned. */
static void count_accumulators(replay *r, const mbs_group *group, int32_t k, int64_t loose)
{
    const parameter_use *use = &r->program->steps[k].accumulator_use;
    const int64_t pinned = r->plan->pinned_accumulator[k];
    const int64_t reads = use->previous >= 0 ? group->iterations : group->iterations - 1;
    const bool handed_on = hands_gradient_on(r, k);
    const int64_t writes = handed_on ? group->iterations - 1 : group->iterations;
    add_bytes(r, &r->moved.weight_gradient, times(r, reads + writes, loose));
    if (use->previous >= 0 && use_is_first(use, group->first))
        add_bytes(r, &r->moved.weight_gradient, pinned);
    if (use_is_last(use, group->end) && !handed_on)
        add_bytes(r, &r->moved.weight_gradient, pinned);
}

/* What one sample moved, for all: rows once, parameters with each strip but for what is pinned. */
static void count_group(replay *r, const mbs_group *group)
{
    const int64_t again = group->iterations - 1;
    for (int32_t i = 0; i < r->strips.touched_count; i++) {
        const int32_t id = r->strips.touched[i];
        const strip_tensor *state = &r->strips.tensors[id];
        const int64_t bytes =
            times(r, r->batch, bytes_of_rows(&r->program->tensors[id], state->held.hi));
        if (state->writer < 0) {
            add_bytes(r, &r->moved.activation_read, bytes);
            continue;
        }
        r->tensors[id].produced = r->batch;
        if (r->stores[id]) {
            r->tensors[id].stored = r->batch;
            add_bytes(r, &r->moved.activation_write, bytes);
        }
    }
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &r->program->steps[k];
        const int64_t weights = step->weight_bytes - r->plan->pinned_weight[k];
        const int64_t accumulators = step->accumulator_bytes - r->plan->pinned_accumulator[k];
        const bool fresh = use_is_first(&step->weight_use, group->first);
        add_bytes(r, &r->moved.weight_read, fresh ? step->weight_bytes : weights);
        add_bytes(r, &r->moved.weight_read, times(r, again, weights));
        count_accumulators(r, group, k, accumulators);
        move_update(r, k);
        r->done[k] = r->batch;
    }
}

static void execute(replay *r, const mbs_group *group)
{
    open_group(r, group);
    for (r->iteration = 0; r->iteration < group->strips; r->iteration++) {
        r->stopped = plan_watch_is_past(r->watch);
        if (r->stopped)
            return;
        set_targets(r, group);
        for (int32_t k = group->first; k < group->end; k++)
            execute_step(r, k);
        drop_rows(r, group);
    }
    r->iteration = -1;
    measure_strips(r, group);
    count_group(r, group);
    if (r->overflow)
        group_fault(r, RULE_RANGE, r->group, "the bytes moved or held exceed 64 bits");
}

const group_kind strips_of_rows = {check_form, rounds, execute};
