#include "explain/variant.h"

#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "cost/footprint.h"
#include "cost/peak.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "plan/groups.h"

/* ---- What the plan's planner may do ---------------------------------------------------------- */

/* dp and ilp, whatever they minimise or recompute, stream and pin unless they are told not to. */
static bool is_free_to(const mbs_plan *plan, const char *no_option)
{
    const bool chooses =
        strncmp(plan->planner_name, "dp", 2) == 0 || strncmp(plan->planner_name, "ilp", 3) == 0;
    return chooses &&
           (plan->origin.options == NULL || strstr(plan->origin.options, no_option) == NULL);
}

static bool streams(const mbs_plan *plan)
{
    bool any = is_free_to(plan, "--no-stream");
    for (int32_t k = 0; k < plan->program->step_count && !any; k++)
        any = plan->mode[k] == MBS_STREAMED;
    return any;
}

static bool writes_in_place(const mbs_plan *plan)
{
    bool any = plan->origin.options != NULL && strstr(plan->origin.options, "--in-place") != NULL;
    for (int32_t k = 0; k < plan->program->step_count && !any; k++)
        any = plan->over[k] >= 0;
    return any;
}

static bool pushes_strips(const mbs_plan *plan)
{
    bool any = is_free_to(plan, "--no-strips");
    for (int32_t g = 0; g < plan->group_count && !any; g++)
        any = plan->groups[g].strips > 1;
    return any && plan->program->split && plan->program->has_rows;
}

/* So that the rereading of parameters by the most iterations stays below 64 bits too. */
static bool strips_are_in_range(const mbs_plan *plan, const plan_task *task)
{
    const int64_t rows = strips_tallest(plan->program, 0, plan->program->step_count);
    int64_t iterations;
    return rows <= MBS_MAX_STRIPS && checked_mul(plan->batch, rows, &iterations) &&
           cost_check_range(plan->program, iterations, task->capacity, task->norm_passes, NULL) ==
               MBS_OK;
}

mbs_status variants_open(variants *of, const mbs_plan *plan, mbs_error *error)
{
    *of = (variants){.plan = plan};
    of->task = (plan_task){.program = plan->program,
                           .batch = plan->batch,
                           .capacity = plan_capacity(plan),
                           .norm_passes = plan->norm_passes,
                           .pin = is_free_to(plan, "--no-pin") ||
                                  plan_pinned_bytes(plan, 0, plan->program->step_count) > 0,
                           .stream = streams(plan),
                           .in_place = writes_in_place(plan)};
    mbs_status status = cost_check_range(plan->program, plan->batch, of->task.capacity,
                                         of->task.norm_passes, error);
    if (status != MBS_OK)
        return status;
    of->task.strips = pushes_strips(plan) && strips_are_in_range(plan, &of->task);
    of->scratch = plan_allocate_like(plan, plan->planner_name);
    if (of->scratch == NULL || !pins_open(&of->pins, plan->program))
        return error_memory(error);
    return candidates_create(&of->list, plan->batch, error);
}

void variants_close(variants *of)
{
    mbs_plan_free(of->scratch);
    pins_close(&of->pins);
    candidates_free(&of->list);
}

/* ---- One way --------------------------------------------------------------------------------- */

void variants_clear(variants *of, int32_t first, int32_t end)
{
    const mbs_program *p = of->plan->program;
    const int32_t from = p->steps[first].touch_begin;
    const int32_t to = p->steps[end - 1].touch_end;
    const size_t steps = (size_t)(end - first);
    memset(of->scratch->resident + from, 0, (size_t)(to - from) * sizeof *of->scratch->resident);
    memset(of->scratch->pinned_weight + first, 0, steps * sizeof *of->scratch->pinned_weight);
    memset(of->scratch->pinned_accumulator + first, 0,
           steps * sizeof *of->scratch->pinned_accumulator);
    for (int32_t k = first; k < end; k++) {
        of->scratch->mode[k] = MBS_STAGED;
        of->scratch->over[k] = -1;
    }
    of->scratch->group_count = 0;
}

/* The group of [first, end) in the scratch plan, with what it keeps. */
static mbs_group *begin(variants *of, int32_t first, int32_t end, int64_t iterations,
                        bool as_planned)
{
    const mbs_program *p = of->plan->program;
    variants_clear(of, first, end);
    mbs_group *group = plan_add_group(of->scratch, first, end, iterations);
    if (!as_planned) {
        group_keep_all(of->scratch, group);
    } else {
        for (int32_t t = p->steps[first].touch_begin; t < p->steps[end - 1].touch_end; t++)
            of->scratch->resident[t] = of->plan->resident[t];
    }
    of->visits += p->steps[end - 1].touch_end - p->steps[first].touch_begin;
    return group;
}

static void fill(variant *tried, const variants *of, const mbs_group *group, bool fits)
{
    tried->fits = fits;
    tried->group = *group;
    tried->traffic = plan_count_group(of->scratch, group);
    tried->pinned_bytes = plan_pinned_bytes(of->scratch, group->first, group->end);
}

/* Without pinned bytes where it does not fit, so that its peak is what it needs. */
static mbs_status try_strips(variant *tried, variants *of, mbs_group *group, int64_t strips,
                             int64_t capacity, mbs_error *error)
{
    plan_task task = of->task;
    bool fits;
    task.capacity = capacity;
    of->visits += 2 * strips *
                  (of->plan->program->steps[group->end - 1].touch_end -
                   of->plan->program->steps[group->first].touch_begin);
    mbs_status status = group_set_strips(of->scratch, &task, group, strips, &fits, error);
    if (status == MBS_OK)
        status = plan_find_peak(&group->peak_bytes, of->scratch, group, error);
    if (status == MBS_OK)
        fill(tried, of, group, fits);
    return status;
}

static void try_samples(variant *tried, variants *of, mbs_group *group, int64_t capacity)
{
    plan_task task = of->task;
    task.capacity = capacity;
    group_choose_modes(of->scratch, &task, group);
    group->peak_bytes = plan_group_peak(of->scratch, group);
    const bool fits = group->peak_bytes <= capacity;
    if (fits)
        group_pin(of->scratch, &task, group);
    group->peak_bytes += plan_pinned_bytes(of->scratch, group->first, group->end);
    fill(tried, of, group, fits);
}

mbs_status variants_try(variant *tried, variants *of, int32_t first, int32_t end,
                        int64_t iterations, int64_t strips, bool as_planned, int64_t capacity,
                        mbs_error *error)
{
    mbs_group *group = begin(of, first, end, iterations, as_planned);
    if (strips > 1)
        return try_strips(tried, of, group, strips, capacity, error);
    try_samples(tried, of, group, capacity);
    return MBS_OK;
}

void variants_coarser(const variants *of, const mbs_group *group, int64_t *iterations,
                      int64_t *strips)
{
    *iterations = 0;
    *strips = 1;
    if (group->strips > 1) {
        *strips = strips_below(strips_tallest(of->plan->program, group->first, group->end),
                               group->strips);
        *iterations = of->plan->batch * *strips;
        return;
    }
    for (int32_t i = 0; i < of->list.count && of->list.iterations[i] < group->iterations; i++)
        *iterations = of->list.iterations[i];
}

bool variants_next(const variants *of, int32_t first, int32_t end, int64_t *iterations,
                   int64_t *strips)
{
    const bool coupled = program_couples(of->plan->program, first, end);
    const int32_t count = coupled ? 1 : of->list.count;
    for (int32_t i = 0; i < count && *strips == 1; i++)
        if (of->list.iterations[i] > *iterations) {
            *iterations = of->list.iterations[i];
            return true;
        }
    *strips = of->task.strips && !coupled
                  ? strips_above(strips_tallest(of->plan->program, first, end), *strips)
                  : 0;
    *iterations = of->task.batch * *strips;
    return *strips > 0;
}

/* ---- The best of all ------------------------------------------------------------------------- */

/* Takes `tried` for the best if it is; what fits is better than what does not. */
static void keep_better(variant *best, bool *found, const variant *tried)
{
    const bool better =
        !*found || (tried->fits && !best->fits) ||
        (tried->fits && best->fits && tried->traffic.total < best->traffic.total) ||
        (!tried->fits && !best->fits && tried->group.peak_bytes < best->group.peak_bytes);
    if (better)
        *best = *tried;
    *found = true;
}

/* The first candidate that fits, or the last one: more iterations need no more room. */
static int32_t first_that_fits(variants *of, int32_t first, int32_t end, int32_t count,
                               int64_t capacity)
{
    int32_t low = 0;
    int32_t high = count - 1;
    while (low < high) {
        variant tried;
        const int32_t middle = low + (high - low) / 2;
        try_samples(&tried, of, begin(of, first, end, of->list.iterations[middle], false),
                    capacity);
        if (tried.fits)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void try_all_samples(variant *best, bool *found, variants *of, int32_t first, int32_t end,
                            int64_t capacity)
{
    const mbs_step *steps = of->plan->program->steps;
    const int32_t count = program_couples(of->plan->program, first, end) ? 1 : of->list.count;
    int64_t parameters = 0;
    for (int32_t k = first; k < end; k++)
        parameters += step_parameter_bytes(&steps[k]);
    for (int32_t i = first_that_fits(of, first, end, count, capacity); i < count; i++) {
        variant tried;
        try_samples(&tried, of, begin(of, first, end, of->list.iterations[i], false), capacity);
        keep_better(best, found, &tried);
        if (tried.fits && tried.pinned_bytes == parameters)
            break; /* parameters move once: so they do with more iterations */
    }
}

static mbs_status try_all_strips(variant *best, bool *found, variants *of, int32_t first,
                                 int32_t end, int64_t capacity, mbs_error *error)
{
    const int64_t height = strips_tallest(of->plan->program, first, end);
    mbs_status status = MBS_OK;
    for (int64_t strips = strips_above(height, 1); strips > 0 && status == MBS_OK;
         strips = strips_above(height, strips)) {
        variant tried;
        mbs_group *group = begin(of, first, end, of->task.batch, false);
        status = try_strips(&tried, of, group, strips, capacity, error);
        if (status == MBS_OK)
            keep_better(best, found, &tried);
    }
    return status;
}

mbs_status variants_best(variant *best, variants *of, int32_t first, int32_t end, int64_t capacity,
                         mbs_error *error)
{
    bool found = false;
    mbs_status status = MBS_OK;
    plan_task task = of->task;
    task.capacity = capacity;
    try_all_samples(best, &found, of, first, end, capacity);
    if (of->task.strips && !program_couples(of->plan->program, first, end))
        status = try_all_strips(best, &found, of, first, end, capacity, error);
    if (status == MBS_OK && end - first == 1) {
        variant tried;
        variants_clear(of, first, end);
        plan_add_passes(of->scratch, &task, first);
        fill(&tried, of, &of->scratch->groups[0], true);
        keep_better(best, &found, &tried);
    }
    variants_clear(of, first, end);
    return status;
}
