/*
 * dp for time, energy or traffic weighted with time: the same space as dp, but each group costs the
 * sum of its step executions, or where iterations overlap what follows from such sums (model,
 * section 7). What is pinned where matters for that, so a group is added up step by step, unless a
 * bound shows that it cannot improve: its time if all its parameters were pinned, which is kept up
 * to date while the group grows. That is a bound for each execution and so for each of the sums;
 * with them a group's time grows. Where the least time is sought and nothing overlaps but what a
 * step does, computation alone is a bound too, which mostly is enough: then the other is forgotten,
 * until it is asked for again.
 */
#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"
#include "cost/traffic.h"
#include "plan/dp/dp_search.h"

/* In ticks of work: what a step more in a group takes for each candidate, and adding up one of its
 * steps. */
#define GROW_WORK INT64_C(4)
#define TIME_WORK INT64_C(2)

/* DRAM bytes of a step in the first, the middle and the last iterations, without activations. */
typedef struct parameter_moves {
    int64_t first;
    int64_t middle;
    int64_t last;
} parameter_moves;

static group_times step_time(const cost_search *s, int32_t c, int32_t k, int64_t activations,
                             const parameter_moves *moved)
{
    const compute_time compute =
        s->compute[(size_t)c * (size_t)s->task->program->step_count + (size_t)k];
    const int64_t iterations = s->list->iterations[c];
    const int64_t rest = s->task->batch - (iterations - 1) * s->list->sub_batch[c];
    const double full_bytes = (double)(s->list->sub_batch[c] * activations);
    const double rest_bytes = (double)(rest * activations);
    const double first_bytes = full_bytes + (double)moved->first;
    const double middle_bytes = full_bytes + (double)moved->middle;
    const double last_bytes = rest_bytes + (double)moved->last;
    const bool overlaps = s->task->hardware->overlap == MBS_OVERLAP_GROUP;
    const bool is_update = s->task->program->steps[k].update.is_update; /* in one iteration */
    const double usual = (double)(iterations - 2); /* of the others all but the last one */
    group_times times = {.alone_s = execution_time(s, compute.full_s, first_bytes)};
    if (iterations == 1 || (is_update && !overlaps))
        return times;
    if (is_update) {
        group_times last = overlapped(s, k, compute.full_s, first_bytes);
        last.in_turn_s = times.alone_s;
        return last;
    }
    const double others_s = usual * execution_time(s, compute.full_s, middle_bytes) +
                            execution_time(s, compute.rest_s, last_bytes);
    if (!overlaps) {
        times.alone_s += others_s;
        return times;
    }
    add_times(&times, overlapped(s, k, usual * compute.full_s + compute.rest_s,
                                 usual * middle_bytes + last_bytes));
    times.in_turn_s = others_s;
    return times;
}

/* What is pinned of a step's parameters. */
typedef struct step_pins {
    int64_t weight;
    int64_t accumulator;
    bool last;     /* no later step of the group uses the same accumulators */
    bool hands_on; /* their sum, to an update in the group */
} step_pins;

/* Of step k in a group that begins with `first`. */
static parameter_moves parameter_moves_of(const cost_search *s, int32_t first, int32_t k,
                                          step_pins pinned, int64_t iterations)
{
    const mbs_step *step = &s->task->program->steps[k];
    const int64_t weights = step->weight_bytes - pinned.weight;
    const int64_t accumulators = step->accumulator_bytes - pinned.accumulator;
    const int64_t out = pinned.hands_on ? 0 : accumulators + (pinned.last ? pinned.accumulator : 0);
    if (step->update.is_update) {
        const int64_t bytes =
            step_state_bytes(step) + program_update_gradient(s->task->program, first, k);
        return (parameter_moves){bytes, bytes, bytes};
    }
    int64_t in = weights; /* with the first iteration */
    if (use_is_first(&step->weight_use, first))
        in += pinned.weight;
    if (step->accumulator_use.previous >= 0)
        in += accumulators;
    if (step->accumulator_use.previous >= 0 && use_is_first(&step->accumulator_use, first))
        in += pinned.accumulator;
    if (iterations == 1)
        return (parameter_moves){.first = in + out};
    return (parameter_moves){.first = in + accumulators,
                             .middle = weights + 2 * accumulators,
                             .last = weights + accumulators + out};
}

/* In the group that ends before `end`. */
static group_times least_step_time(const cost_search *s, int32_t c, int32_t k, int32_t end)
{
    const mbs_step *step = &s->task->program->steps[k];
    const step_pins all = {step->weight_use.common, step->accumulator_use.common,
                           step->accumulator_use.next < 0,
                           program_hands_on(s->task->program, k, end)};
    const parameter_moves moved =
        parameter_moves_of(s, s->group.first, k, all, s->list->iterations[c]);
    return step_time(s, c, k, s->activations[k], &moved);
}

/* The same of all candidates for which it is known, added to the bounds or taken off. */
static void add_step_times(cost_search *s, int32_t k, int32_t end)
{
    for (int32_t c = s->group.smallest; c < s->group.count; c++)
        if (s->is_known[c])
            add_times(&s->least[c], least_step_time(s, c, k, end));
}

static void take_step_times(cost_search *s, int32_t k, int32_t end)
{
    for (int32_t c = s->group.smallest; c < s->group.count; c++)
        if (s->is_known[c])
            take_times(&s->least[c], least_step_time(s, c, k, end));
}

/* Changes what step k moves, and with it the bounds. */
static void change_activations(cost_search *s, int32_t k, int64_t change)
{
    take_step_times(s, k, s->group.end);
    s->activations[k] += change;
    s->moved += change;
    add_step_times(s, k, s->group.end);
}

/* Changes the bounds: step k's group goes on behind its end up to now, `before`. */
static void change_bounds(cost_search *s, int32_t k, int32_t before)
{
    take_step_times(s, k, before);
    add_step_times(s, k, s->group.end);
}

/* Lets the next step join the group. */
static void grow(cost_search *s)
{
    const mbs_program *p = s->task->program;
    const int32_t first = s->group.first;
    const int32_t k = s->group.end;
    const mbs_step *step = &p->steps[k];
    span_grow(&s->group);
    pins_move(&s->pins, first, s->group.end);
    plan_watch_work(s->task->watch,
                    GROW_WORK * (1 + step->touch_end - step->touch_begin) * s->list->count);
    if (step->update.is_update && k > first) /* the step before it hands on what it wrote */
        change_bounds(s, k - 1, k);
    s->activations[k] = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        bool reached = touch->previous >= 0 && p->touches[touch->previous].step >= first;
        if (!reached && (t < step->write_begin || tensor->kept || touch->next >= 0))
            s->activations[k] += tensor->bytes;
        /* the last reader is here: the tensor need not be written any more */
        if (reached && touch->next < 0 && !tensor->kept && tensor->producer >= first)
            change_activations(s, tensor->producer, -tensor->bytes);
    }
    s->moved += s->activations[k];
    add_step_times(s, k, s->group.end);
}

/* The group's bound with candidate c. */
static const group_times *least_times(cost_search *s, int32_t c)
{
    if (!s->is_known[c]) {
        s->is_known[c] = true;
        s->least[c] = (group_times){0};
        for (int32_t k = s->group.first; k < s->group.end; k++)
            add_times(&s->least[c], least_step_time(s, c, k, s->group.end));
    }
    return &s->least[c];
}

/* The group's objective if it takes `time_s` and `room` bytes of parameters are pinned. */
static double objective(const cost_search *s, int32_t c, double time_s, int64_t room)
{
    const span *g = &s->group;
    const int64_t again = s->list->iterations[c] - 1;
    const int64_t head = program_head_bytes(s->task->program, g->first);
    const int64_t weights = s->weights[g->end] - s->weights[g->first];
    const int64_t accumulators = s->accumulators[g->end] - s->accumulators[g->first];
    if (s->task->objective == MBS_TIME)
        return time_s;
    int64_t bytes = s->task->batch * s->moved + weights + accumulators + s->once[g->end] -
                    s->once[g->first] + head + again * (weights + 2 * accumulators) -
                    pins_save(&s->pins, again + 1, room);
    if (s->task->objective == MBS_WEIGHTED)
        return (double)bytes + s->task->weight * time_s;
    return cost_search_energy(s, g->first, g->end, again + 1, time_s, (double)bytes);
}

/* The group's time with `room` bytes for pinning, taken as group_pin does, and so many iterations
 * under way; or more than limit_s. */
static double group_time(const cost_search *s, int32_t c, int64_t room, int64_t under_way,
                         double limit_s)
{
    const span *g = &s->group;
    const mbs_step *steps = s->task->program->steps;
    const bool shares = s->task->program->shares;
    int64_t accumulator_room = room;
    int64_t weight_room = room - min_i64(room, s->accumulators[g->end] - s->accumulators[g->first]);
    group_times times = {0};
    plan_watch_work(s->task->watch, TIME_WORK * (g->end - g->first));
    if (shares)
        pins_fill(s->task->program, g->first, g->end, s->list->iterations[c], room,
                  s->pinned_weight, s->pinned_accumulator);
    for (int32_t k = g->first; k < g->end; k++) {
        const double at_least_s = time_of(&times, under_way) + cost_search_computing(s, c, k);
        if (at_least_s > limit_s)
            return at_least_s;
        step_pins pinned = {min_i64(weight_room, steps[k].weight_bytes),
                            min_i64(accumulator_room, steps[k].accumulator_bytes), true,
                            program_hands_on(s->task->program, k, g->end)};
        if (shares)
            pinned = (step_pins){s->pinned_weight[k], s->pinned_accumulator[k],
                                 use_is_last(&steps[k].accumulator_use, g->end), pinned.hands_on};
        const parameter_moves moved =
            parameter_moves_of(s, g->first, k, pinned, s->list->iterations[c]);
        weight_room -= pinned.weight;
        accumulator_room -= pinned.accumulator;
        add_times(&times, step_time(s, c, k, s->activations[k], &moved));
    }
    return time_of(&times, under_way);
}

static void relax(cost_search *s, int32_t first, int32_t end, double cost, dp_choice group)
{
    group.first = first;
    dp_range_relax(s->range, s->limit, end, cost, group);
}

/* The group with candidate c, and so many iterations under way. */
static void relax_candidate(cost_search *s, int32_t c, int64_t under_way)
{
    const span *g = &s->group;
    const dp_range *range = s->range;
    const double before = range->best[g->first - range->first];
    const double useful = s->limit - range->rest[g->end - range->first];
    const int64_t room = s->task->pin ? s->task->capacity - under_way * g->peak[c] : 0;
    const double most = fmin(range->best[g->end - range->first], useful) - before;
    if (cost_search_computing(s, c, g->first) >= most) {
        s->is_known[c] = false;
        return;
    }
    const double least_s = time_of(least_times(s, c), under_way) * (1 - ROUNDING);
    if (objective(s, c, least_s, room) >= most)
        return;
    const double limit_s = s->task->objective == MBS_TIME ? most * (1 + ROUNDING) : INFINITY;
    const double time_s = group_time(s, c, room, under_way, limit_s);
    relax(s, g->first, g->end, objective(s, c, time_s, room),
          (dp_choice){.candidate = c, .under_way = (int32_t)under_way});
}

static void relax_group(cost_search *s)
{
    const span *g = &s->group;
    const bool overlaps = s->task->hardware->overlap == MBS_OVERLAP_GROUP;
    for (int32_t c = g->smallest; c < g->count; c++) {
        const bool may = overlaps && s->list->iterations[c] > 1;
        const int64_t most = may ? cost_iterations_in(s->task->capacity, g->peak[c]) : 1;
        for (int64_t under_way = 1; under_way <= most; under_way++)
            relax_candidate(s, c, under_way);
    }
}

static void relax_passes(cost_search *s, int32_t k)
{
    const mbs_step *step = &s->task->program->steps[k];
    const int64_t passes = step_passes(step, s->task->capacity, s->task->norm_passes);
    const step_run run = cost_search_run(s, 1, passes);
    const step_transfers moved = {.activations =
                                      step_alone_activations(s->task->program, k, passes),
                                  .each = step_parameter_moves(s->task->program, k)};
    mbs_cost cost = {0};
    cost_add_run(&cost, &run, k, &moved);
    cost_finish(&cost, s->task->hardware);
    relax(s, k, k + 1, plan_objective_of(s->task->objective, s->task->weight, &cost),
          (dp_choice){.candidate = DP_PASSES});
}

static void search_from(cost_search *s, int32_t first)
{
    const dp_range *range = s->range;
    relax_passes(s, first);
    s->moved = 0;
    memset(s->least, 0, (size_t)s->list->count * sizeof *s->least);
    for (int32_t c = 0; c < s->list->count; c++)
        s->is_known[c] = true;
    span_start(&s->group, first, false);
    while (s->group.end < range->end) {
        grow(s);
        if (!span_fits(&s->group))
            break;
        relax_group(s);
    }
    s->range->grown += s->group.end - first;
}

bool dp_range_solve_cost(dp_range *range, const bool *starts, double limit)
{
    range->costs->limit = limit;
    for (int32_t first = range->first; first < range->end && dp_range_goes_on(range); first++)
        if (dp_range_begins(range, starts, limit, first))
            search_from(range->costs, first);
    return true;
}
