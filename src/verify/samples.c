/* Executing a group on whole samples: iteration by iteration, step by step. */
#include "verify/replay.h"

#include <inttypes.h>

/* What a step needs of the buffer besides what is held there, and what it gives back. */
typedef struct demand {
    int64_t passing_bytes; /* operands brought in for this step alone, and its parameters */
    int64_t released_bytes;
    int64_t passes; /* reads of each operand */
} demand;

/* ---- One operand ----------------------------------------------------------------------------- */

static void load_operand(replay *r, int32_t k, int32_t id, int64_t bytes, int64_t passes)
{
    if (r->tensors[id].stored < r->hi)
        step_fault(r, RULE_DRAM_READ, k,
                   "reads samples %d to %d of tensor %d %s from DRAM, which holds %d of them",
                   r->lo, r->hi - 1, id, tensor_name(r, id).text,
                   r->tensors[id].stored > r->lo ? r->tensors[id].stored - r->lo : 0);
    add_bytes(r, &r->moved.activation_read, times(r, bytes, passes));
}

static void produce_operand(replay *r, int32_t k, int32_t id, int64_t bytes)
{
    tensor_state *state = &r->tensors[id];
    if (state->produced != r->lo)
        step_fault(
            r, RULE_WRITTEN_ONCE, k,
            "writes samples %d to %d of tensor %d %s, of which %d samples were written before",
            r->lo, r->hi - 1, id, tensor_name(r, id).text, state->produced);
    state->produced = r->hi;
    if (r->stores[id]) {
        state->stored = r->hi;
        add_bytes(r, &r->moved.activation_write, bytes);
    }
}

/* What an operand takes of the buffer that passes through it. */
static int64_t passing_bytes(const replay *r, int32_t k, int32_t id, int64_t bytes)
{
    if (r->plan->mode[k] == MBS_STAGED)
        return bytes;
    bool one_sample = r->plan->mode[k] == MBS_STREAMED && r->program->steps[k].whole_sample;
    return one_sample ? r->program->tensors[id].bytes : 0;
}

static void execute_touch(replay *r, int32_t k, int32_t t, demand *need)
{
    const mbs_program *p = r->program;
    int32_t id = p->touches[t].tensor;
    tensor_state *state = &r->tensors[id];
    int64_t bytes = times(r, r->hi - r->lo, p->tensors[id].bytes);
    bool here = state->held_lo == r->lo && state->held_hi == r->hi;
    bool is_read = t < p->steps[k].write_begin;
    bool stays = r->plan->resident[t];
    if (r->arrives[t] && !here)
        step_fault(r, RULE_BUFFER_USE, k,
                   "expects samples %d to %d of tensor %d %s in the buffer, which does not hold "
                   "them",
                   r->lo, r->hi - 1, id, tensor_name(r, id).text);
    else if (is_read && !r->arrives[t])
        load_operand(r, k, id, bytes, need->passes);
    if (!is_read)
        produce_operand(r, k, id, bytes);
    if (here && !stays) {
        *state = (tensor_state){state->produced, state->stored, 0, 0};
        add_bytes(r, &need->released_bytes, bytes);
        r->held_tensors--;
    } else if (!here && stays) {
        *state = (tensor_state){state->produced, state->stored, r->lo, r->hi};
        add_bytes(r, &r->held_bytes, bytes);
        r->held_tensors++;
    } else if (!here) {
        add_bytes(r, &need->passing_bytes, passing_bytes(r, k, id, bytes));
    }
}

/* ---- One step -------------------------------------------------------------------------------- */

/*
 * Weights come in once per iteration; accumulators come in, but for the first iteration of the step
 * that begins them, and go out, but for the last one of a step that hands them on. What is pinned
 * comes in with the first of the group's steps that
 * uses it, in the first iteration, and accumulators go out with the last one, in the last.
 */
static void move_parameters(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    const mbs_plan *plan = r->plan;
    bool first = r->iteration == 0;
    bool last = r->iteration == plan->groups[r->group].iterations - 1;
    int64_t loose_weights = step->weight_bytes - plan->pinned_weight[k];
    int64_t loose_accumulators = step->accumulator_bytes - plan->pinned_accumulator[k];
    const int32_t begin = plan->groups[r->group].first;
    const int32_t end = plan->groups[r->group].end;
    const bool begun = step->accumulator_use.previous >= 0;
    add_bytes(r, &r->moved.weight_read, loose_weights);
    if (first && use_is_first(&step->weight_use, begin))
        add_bytes(r, &r->moved.weight_read, plan->pinned_weight[k]);
    if (first && begun && use_is_first(&step->accumulator_use, begin))
        add_bytes(r, &r->moved.weight_gradient, plan->pinned_accumulator[k]);
    if (!first || begun)
        add_bytes(r, &r->moved.weight_gradient, loose_accumulators);
    if (last)
        move_update(r, k);
    if (last && hands_gradient_on(r, k))
        return;
    add_bytes(r, &r->moved.weight_gradient, loose_accumulators);
    if (last && use_is_last(&step->accumulator_use, end))
        add_bytes(r, &r->moved.weight_gradient, plan->pinned_accumulator[k]);
}

static void execute_step(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    mbs_mode mode = r->plan->mode[k];
    demand need = {0, 0, mode == MBS_PASSES ? expected_passes(r, step) : 1};
    if (r->done[k] != r->lo)
        step_fault(r, RULE_COMPLETE, k, "runs on samples %d to %d after samples 0 to %d", r->lo,
                   r->hi - 1, r->done[k] - 1);
    r->done[k] = r->hi;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        execute_touch(r, k, t, &need);
    move_parameters(r, k);
    int64_t full = r->held_bytes;
    add_bytes(r, &full, r->pinned_bytes);
    add_bytes(r, &full, need.passing_bytes);
    add_bytes(r, &full, -bytes_in_place(r, k));
    if (mode == MBS_STREAMED) {
        add_bytes(r, &full, step->weight_bytes);
        add_bytes(r, &full, step->accumulator_bytes);
    }
    if (r->overflow)
        return;
    measure_step(r, k, full);
    r->held_bytes -= need.released_bytes;
}

/* ---- The group ------------------------------------------------------------------------------- */

/* Only pinned parameters outlive an iteration. */
static void drop_leftovers(replay *r, const mbs_group *group)
{
    const mbs_program *p = r->program;
    int32_t begin = p->steps[group->first].touch_begin;
    for (int32_t t = p->steps[group->end - 1].touch_end; t-- > begin && r->held_tensors > 0;) {
        int32_t id = p->touches[t].tensor;
        tensor_state *state = &r->tensors[id];
        if (state->held_hi == 0)
            continue;
        step_fault(r, RULE_RESIDENCY, p->touches[t].step,
                   "leaves tensor %d %s in the buffer for a later step, but none of its group "
                   "touches it",
                   id, tensor_name(r, id).text);
        *state = (tensor_state){state->produced, state->stored, 0, 0};
        r->held_tensors--;
    }
    r->held_bytes = 0;
}

/* Iterations must be ceil(N/b) of some b, and the sub-batch the even share. */
static void check_form(replay *r, int32_t g)
{
    const mbs_group *group = &r->plan->groups[g];
    const int64_t batch = r->plan->batch;
    int64_t share = 0; /* samples of an iteration, rounded up */
    int64_t needed = 0;
    if (group->iterations >= 1 && group->iterations <= batch) {
        share = (batch + group->iterations - 1) / group->iterations;
        needed = (batch + share - 1) / share;
    }
    if (needed != group->iterations || needed == 0) {
        if (needed == 0)
            group_fault(r, RULE_ITERATIONS, g,
                        "%" PRId64 " iterations, expected 1 to %" PRId64 ", the mini-batch",
                        group->iterations, batch);
        else
            group_fault(r, RULE_ITERATIONS, g,
                        "%" PRId64 " iterations, but with sub-batches of %" PRId64
                        " samples %" PRId64 " iterations do the mini-batch of %" PRId64,
                        group->iterations, share, needed, batch);
        r->broken = true;
    } else if (group->sub_batch != share) {
        group_fault(r, RULE_ITERATIONS, g,
                    "a sub-batch of %" PRId64 " samples, expected %" PRId64 ": %" PRId64
                    " samples in %" PRId64 " iterations",
                    group->sub_batch, share, batch, group->iterations);
        r->broken = true;
    }
}

static int64_t rounds(const mbs_group *group)
{
    return group->iterations;
}

static void execute(replay *r, const mbs_group *group)
{
    r->hi = 0;
    for (r->iteration = 0; r->iteration < group->iterations; r->iteration++) {
        int32_t left = r->batch - r->hi;
        r->stopped = plan_watch_is_past(r->watch);
        if (r->stopped)
            return;
        r->lo = r->hi;
        r->hi += left < group->sub_batch ? left : (int32_t)group->sub_batch;
        for (int32_t k = group->first; k < group->end; k++) {
            execute_step(r, k);
            if (r->overflow) {
                step_fault(r, RULE_RANGE, k, "the bytes moved or held exceed 64 bits");
                return;
            }
        }
        if (r->held_tensors > 0)
            drop_leftovers(r, group);
    }
}

const group_kind whole_samples = {check_form, rounds, execute};
