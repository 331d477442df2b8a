/* The points of a sweep: their order, their shards, and what is the same for several of them. */
#include "search.h"
#include "sweep/sweep.h"

static bool same_words(const mbs_hardware *a, const mbs_hardware *b)
{
    return a->bits.activation == b->bits.activation && a->bits.weight == b->bits.weight &&
           a->bits.accumulator == b->bits.accumulator && a->bits.mask == b->bits.mask &&
           a->optimizer_bits.master == b->optimizer_bits.master &&
           a->optimizer_bits.state == b->optimizer_bits.state;
}

/* Plans of least traffic depend on nothing else of a machine; what they take does. */
static bool same_plans(const sweep *of, const mbs_hardware *a, const mbs_hardware *b)
{
    return same_words(a, b) && a->reserved_bytes == b->reserved_bytes &&
           a->norm_passes == b->norm_passes &&
           (of->buffers.values[0] != 0 || a->buffer_bytes == b->buffer_bytes);
}

void sweep_relate_machine(sweep *of, size_t index)
{
    sweep_machine *machine = &of->machines[index];
    machine->same_words = machine->same_plans = index;
    for (size_t i = index; i-- > 0;) {
        if (same_words(&of->machines[i].hardware, &machine->hardware))
            machine->same_words = i;
        if (same_plans(of, &of->machines[i].hardware, &machine->hardware))
            machine->same_plans = i;
    }
}

void sweep_add_strips(sweep *of, const bool *wanted, size_t count)
{
    const planner_list asked = of->planners;
    of->planners.count = 0;
    for (size_t i = 0; i < asked.count; i++) {
        const bool takes = mbs_planner_takes_strips(asked.values[i]);
        for (size_t j = 0; j < (takes ? count : 1); j++) {
            of->strips[of->planners.count] = takes && wanted[j];
            of->planners.values[of->planners.count++] = asked.values[i];
        }
    }
}

bool sweep_count_points(sweep *of)
{
    const size_t factors[] = {of->network_count, of->buffers.count, of->batches.count,
                              of->planners.count, of->machine_count};
    of->point_count = 1;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        if (factors[i] > MOST_POINTS / of->point_count)
            return false;
        of->point_count *= factors[i];
    }
    return true;
}

/* Takes the digit of one list off what is left of an index. */
static size_t take_place(size_t *index, size_t count)
{
    size_t place = *index % count;
    *index /= count;
    return place;
}

sweep_point sweep_point_at(const sweep *of, size_t index)
{
    sweep_point at = {.index = index};
    at.machine = take_place(&index, of->machine_count);
    at.planner = take_place(&index, of->planners.count);
    at.batch = take_place(&index, of->batches.count);
    at.buffer = take_place(&index, of->buffers.count);
    at.network = index;
    return at;
}

int64_t sweep_buffer_bytes(const sweep *of, const sweep_point *at)
{
    const int64_t bytes = of->buffers.values[at->buffer];
    return bytes != 0 ? bytes : of->machines[at->machine].hardware.buffer_bytes;
}

bool sweep_keeps_batch_norms(const sweep *of, const sweep_point *at)
{
    return of->keep_batch_norm || planner_keeps_batch_norms(of->planners.values[at->planner]);
}

bool sweep_recomputes(const sweep *of, const sweep_point *at)
{
    return of->recompute.recompute != MBS_RECOMPUTE_NONE && !of->inference &&
           mbs_planner_recomputes(of->planners.values[at->planner]);
}

size_t sweep_plan_machine(const sweep *of, const sweep_point *at)
{
    const mbs_planner planner = of->planners.values[at->planner];
    /* of plans of equal traffic these take the quickest */
    const bool begins_with_dp = search_heeds_objective(planner) || planner == MBS_PLANNER_ILP;
    return begins_with_dp ? at->machine : of->machines[at->machine].same_plans;
}

mbs_program_options sweep_program_options(const sweep *of, const sweep_point *at)
{
    return search_program_options(&of->machines[at->machine].hardware, of->inference, of->optimizer,
                                  sweep_keeps_batch_norms(of, at));
}

const mbs_program *sweep_program(const sweep *of, const sweep_point *at)
{
    const size_t machine = of->machines[at->machine].same_words;
    return of->networks[at->network].programs[2 * machine + sweep_keeps_batch_norms(of, at)];
}

size_t sweep_shard_size(const sweep *of)
{
    return of->point_count > of->shard ? (of->point_count - of->shard - 1) / of->shards + 1 : 0;
}

size_t sweep_shard_index(const sweep *of, size_t position)
{
    return of->shard + position * of->shards;
}
