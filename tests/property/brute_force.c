#include "brute_force.h"

#include "brute_force_strips.h"

/*
 * Written from the model's text alone: it calls nothing of cost/ or plan/, and recomputes
 * everything for every group of every partition.
 */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool within(const mbs_program *p, int32_t touch, int32_t first, int32_t end)
{
    return touch >= 0 && p->touches[touch].step >= first && p->touches[touch].step < end;
}

bool oracle_may_replace(const oracle_task *task, int32_t t)
{
    const mbs_program *p = task->program;
    const mbs_step *step = &p->steps[p->touches[t].step];
    if (!task->in_place || t >= step->write_begin || step->write_begin == step->touch_end)
        return false;
    const mbs_tensor *from = &p->tensors[p->touches[t].tensor];
    const mbs_tensor *to = &p->tensors[p->touches[step->write_begin].tensor];
    return p->touches[t].elementwise && from->bytes == to->bytes &&
           from->elements == to->elements && to->bytes > 0;
}

/* Footprint of step k in the group [first, end) with every inner interval resident, if it writes
 * over the operand of touch `over`; -1: over nothing. */
static int64_t footprint_over(const oracle_task *task, int32_t k, int32_t over, int32_t first,
                              int32_t end, int64_t b)
{
    const mbs_program *p = task->program;
    const mbs_step *step = &p->steps[k];
    int64_t resident = 0;
    int64_t other = 0;
    int64_t crossing = 0;
    for (int32_t t = 0; t < p->touch_count; t++) {
        int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
        if (over >= 0 && t == step->write_begin)
            continue; /* where the operand is */
        if (t == over && within(p, p->touches[step->write_begin].next, first, end)) {
            resident += bytes;
        } else if (p->touches[t].step == k) {
            if (within(p, p->touches[t].previous, first, end) ||
                within(p, p->touches[t].next, first, end))
                resident += bytes;
            else
                other += bytes;
        } else if (within(p, t, first, k) && within(p, p->touches[t].next, k + 1, end)) {
            crossing += bytes;
        }
    }
    int64_t staged = b * (resident + other);
    int64_t streamed = b * resident + step->weight_bytes + step->accumulator_bytes +
                       (step->whole_sample ? other : 0);
    return b * crossing + (task->stream ? least(staged, streamed) : staged);
}

/* The least of all that it may do. */
static int64_t footprint(const oracle_task *task, int32_t k, int32_t first, int32_t end, int64_t b)
{
    const mbs_program *p = task->program;
    int64_t bytes = footprint_over(task, k, -1, first, end, b);
    for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
        if (oracle_may_replace(task, t) && !within(p, p->touches[t].next, first, end))
            bytes = least(bytes, footprint_over(task, k, t, first, end, b));
    return bytes;
}

/* Activation bytes per sample that the group moves: those it reads `passes` times, and writes. */
static int64_t activations(const oracle_task *task, int32_t first, int32_t end, int64_t passes)
{
    const mbs_program *p = task->program;
    int64_t bytes = 0;
    for (int32_t k = first; k < end; k++) {
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
            if (t < p->steps[k].write_begin) {
                if (!within(p, p->touches[t].previous, first, end))
                    bytes += passes * tensor->bytes;
                continue;
            }
            int32_t last = t;
            while (p->touches[last].next >= 0)
                last = p->touches[last].next;
            if (tensor->kept || p->touches[last].step >= end)
                bytes += tensor->bytes;
        }
    }
    return bytes;
}

int64_t oracle_once(const mbs_program *p, int32_t first, int32_t end)
{
    int64_t bytes = 0;
    for (int32_t k = first; k < end; k++) {
        if (p->steps[k].accumulator_use.previous >= 0)
            bytes += p->steps[k].accumulator_bytes;
        if (!p->steps[k].update.is_update)
            continue;
        /* a gradient made elsewhere is read; one made here was not written the last time */
        const int64_t gradient = p->steps[k - 1].accumulator_bytes;
        const weight_update *update = &p->steps[k].update;
        bytes += 2 * update->state_bytes + update->old_bytes + update->new_bytes;
        bytes += k == first ? gradient : -gradient;
    }
    return bytes;
}

static int32_t previous_user(const mbs_program *p, int32_t k, bool weights)
{
    return weights ? p->steps[k].weight_use.previous : p->steps[k].accumulator_use.previous;
}

static int64_t parameter_bytes(const mbs_program *p, int32_t k, bool weights)
{
    return weights ? p->steps[k].weight_bytes : p->steps[k].accumulator_bytes;
}

/* Whether steps a < b use the same weights or accumulators. */
static bool use_same(const mbs_program *p, int32_t a, int32_t b, bool weights)
{
    while (b > a)
        b = previous_user(p, b, weights);
    return a == b;
}

/* Parameters that step k of a group is the first to use there. */
typedef struct pinnable {
    int64_t bytes; /* that all steps which use them have */
    int64_t uses;  /* steps of the group */
} pinnable;

static pinnable find_pinnable(const mbs_program *p, int32_t k, int32_t first, int32_t end,
                              bool weights)
{
    pinnable found = {parameter_bytes(p, k, weights), 0};
    if (previous_user(p, k, weights) >= first)
        return (pinnable){0, 1};
    for (int32_t i = 0; i < p->step_count; i++) {
        if (!(i < k ? use_same(p, i, k, weights) : use_same(p, k, i, weights)))
            continue;
        found.bytes = least(found.bytes, parameter_bytes(p, i, weights));
        found.uses += i >= first && i < end;
    }
    return found;
}

enum { MOST_PINNABLE = 200 };

/* What `room` bytes save: those that save the most come first. */
static int64_t pinned_saves(const mbs_program *p, int32_t first, int32_t end, int64_t iterations,
                            int64_t room)
{
    pinnable all[MOST_PINNABLE];
    int64_t saves[MOST_PINNABLE];
    int count = 0;
    int64_t saved = 0;
    for (int32_t i = 2 * first; i < 2 * end && count < MOST_PINNABLE; i++) {
        const pinnable found = find_pinnable(p, i / 2, first, end, i % 2);
        if (found.bytes == 0)
            continue;
        saves[count] = (i % 2 ? 1 : 2) * (found.uses * iterations - 1);
        all[count++] = found;
    }
    for (int taken = 0; taken < count && room > 0; taken++) {
        int best = 0;
        for (int i = 1; i < count; i++)
            best = saves[i] > saves[best] ? i : best;
        const int64_t bytes = least(room, all[best].bytes);
        saved += saves[best] * bytes;
        room -= bytes;
        saves[best] = 0;
    }
    return saved;
}

int64_t oracle_parameters(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                          int64_t room)
{
    const mbs_program *p = task->program;
    int64_t weights = 0;
    int64_t accumulators = 0;
    for (int32_t k = first; k < end; k++) {
        weights += p->steps[k].weight_bytes;
        accumulators += p->steps[k].accumulator_bytes;
    }
    const int64_t bytes =
        iterations * weights + (2 * iterations - 1) * accumulators + oracle_once(p, first, end);
    if (!task->pin)
        return bytes;
    if (p->shares)
        return bytes - pinned_saves(p, first, end, iterations, room);
    int64_t pinned = least(room, accumulators);
    return bytes - 2 * (iterations - 1) * pinned - (iterations - 1) * least(room - pinned, weights);
}

int64_t oracle_traffic(const oracle_task *task, int32_t first, int32_t end, int64_t iterations,
                       int64_t peak)
{
    return task->batch * activations(task, first, end, 1) +
           oracle_parameters(task, first, end, iterations, task->buffer_bytes - peak);
}

static int64_t group_traffic(const oracle_task *task, int32_t first, int32_t end)
{
    const mbs_step *steps = task->program->steps;
    int64_t best = INT64_MAX;
    for (int64_t b = 1; b <= task->batch; b++) {
        int64_t iterations = (task->batch + b - 1) / b;
        int64_t sub_batch = (task->batch + iterations - 1) / iterations;
        int64_t peak = 0;
        bool coupled = false;
        for (int32_t k = first; k < end; k++) {
            int64_t bytes = footprint(task, k, first, end, sub_batch);
            peak = bytes > peak ? bytes : peak;
            coupled = coupled || steps[k].coupled || steps[k].coupled_to >= first;
        }
        if (peak > task->buffer_bytes || (coupled && iterations > 1))
            continue;
        best = least(best, oracle_traffic(task, first, end, iterations, peak));
    }
    if (task->strips)
        best = least(best, brute_force_strips(task, first, end));
    if (end - first > 1)
        return best;
    int64_t bytes = steps[first].weight_bytes + steps[first].accumulator_bytes;
    int64_t passes = (bytes + task->buffer_bytes - 1) / task->buffer_bytes;
    if (passes < 1)
        passes = 1;
    if (steps[first].whole_sample && passes < task->norm_passes)
        passes = task->norm_passes;
    return least(best, task->batch * activations(task, first, end, passes) + bytes +
                           oracle_once(task->program, first, end));
}

int64_t brute_force_dp(const oracle_task *task)
{
    const int32_t steps = task->program->step_count;
    int64_t best = INT64_MAX;
    for (uint32_t cuts = 0; cuts < UINT32_C(1) << (steps - 1); cuts++) {
        int64_t traffic = 0;
        int32_t first = 0;
        for (int32_t end = 1; end <= steps; end++) {
            if (end < steps && (cuts >> (end - 1) & 1) == 0)
                continue;
            int64_t group = group_traffic(task, first, end);
            traffic = group == INT64_MAX || traffic == INT64_MAX ? INT64_MAX : traffic + group;
            first = end;
        }
        best = least(best, traffic);
    }
    return best;
}
