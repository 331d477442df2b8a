/*
 * dp: the exact minimum over contiguous groups whose inner intervals all stay in the buffer
 * (model, section 5). A shortest path over the cuts between steps: traffic is a sum over groups
 * (a read counts where it happens, a write where the tensor is produced), so best[e] is the least
 * traffic of the steps before cut e: the least, over the starts s < e, of best[s] + the traffic of
 * group [s, e).
 *
 * For each cut the group grows to the left one step at a time, which finds the footprints and so
 * the I that fit and the room to pin parameters. It stops where no start further left can do
 * better, usually soon: what such a group moves besides rereading parameters is known beforehand
 * for every start (dp_starts), and the rereading is at least what the group at hand has already
 * come to, or what groups from there were found to need at earlier cuts. Where a far start is
 * best, it mostly stays so for the next cuts: a second group, the leader, keeps that start and
 * grows to the right, so that a good value is known before the search to the left begins.
 *
 * Per cut that takes time in proportion to the steps that the group has to grow by, in most
 * networks some tens to hundreds, and to the blocks of starts before it. It is not linear from the
 * start in networks whose layers are read again far away, beyond any group: chains of 3000, 10500
 * and 40500 steps that read tensors of 1000 layers before take 13, 208 and 1480 ms, those that
 * read near ones 32, 105 and 450 (the benchmark `plan`). What is written for far readers makes
 * groups pay less, so that twice as many steps are looked at per cut (38, 112, 133 against 54, 66,
 * 74); and a step that far tensors still might come to can be outdone by fewer others (dp_span.c),
 * so that 9 are changed by each, not 2. Both depend on how far the readers are, not on the length
 * of the network: beyond that distance growth is linear.
 */

#include "plan/dp/dp.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/traffic.h"
#include "plan/dp/dp_emit.h"
#include "plan/dp/dp_span.h"
#include "plan/dp/dp_starts.h"
#include "plan/dp/dp_ties.h"
#include "plan/dp/strip_search.h"
#include "plan/pins.h"

/* Groups up to this long are found again at once, without being the leader. */
#define DP_SHORT 32

/*
 * The starts up to a cut are useless if their starts_reduced is at least `once` at I=1 or at least
 * `often` at I=iterations (see set_bound).
 */
typedef struct dp_bound {
    int32_t cut;
    int64_t iterations; /* the least that any of them has */
    int64_t once;
    int64_t often;
} dp_bound;

typedef struct dp {
    const plan_task *task;
    candidates list;   /* I ascending, so sub-batches descending */
    int64_t *operands; /* per step: bytes per sample of all its operands */
    starts starts;
    int32_t floor; /* groups that start before this cut do not fit */

    /* the search to the left of a cut */
    span group;
    int32_t open;     /* of the starts before the group's, those from here on are useless */
    starts_need need; /* of all groups that start before `open` */
    dp_bound bound;

    span leader;
    bool has_leader;

    /* parameters of the group, of the leader, and of all steps from the floor on */
    pins group_pins;
    pins leader_pins;
    pins all_pins;

    strip_search *strips; /* null: no strip groups */

    /* per cut: the least traffic before it, and the group it ends with */
    int64_t *best;
    dp_choice *choice;
    dp_ties ties;  /* all such groups */
    int32_t *cuts; /* room to list the cuts of the best path */
    int32_t given; /* the next group of the task's plan, if one is given */
    bool stopped;  /* by the task's watch */
} dp;

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static void relax(dp *d, int32_t end, int64_t traffic, dp_choice way)
{
    if (traffic > d->best[end])
        return;
    dp_ties_add(&d->ties, way, traffic == d->best[end]);
    if (traffic == d->best[end])
        return;
    d->best[end] = traffic;
    d->choice[end] = way;
}

/* What the group moves less, over all iterations, if `room` bytes are pinned. */
static int64_t saved(const dp *d, const pins *pinnable, int32_t candidate, int64_t room)
{
    return d->task->pin ? pins_save(pinnable, d->list.iterations[candidate], room) : 0;
}

static void relax_group(dp *d, const span *g, pins *own)
{
    const starts *s = &d->starts;
    int64_t least = starts_reduced(s, g->first, 1) + starts_parameters(s, g->end, 1);
    if (least - starts_continued(s, g->first, g->end) > d->best[g->end])
        return;
    const int64_t reread = reread_bytes(starts_parameters_of(s, g->first, g->end));
    pins_move(own, g->first, g->end);
    for (int32_t c = g->smallest; c < g->count; c++) {
        int64_t again =
            (d->list.iterations[c] - 1) * reread - saved(d, own, c, d->task->capacity - g->peak[c]);
        relax(d, g->end, least + again, (dp_choice){.first = g->first, .candidate = c});
    }
}

static void relax_passes(dp *d, int32_t k)
{
    relax(d, k + 1, d->best[k] + plan_passes_bytes(d->task, k),
          (dp_choice){.first = k, .candidate = DP_PASSES});
}

/* The group of the given plan that ends at the cut, if there is one. */
static void relax_given(dp *d, int32_t end)
{
    const mbs_plan *given = d->task->given;
    if (given == NULL || given->groups[d->given].end != end)
        return;
    const mbs_group *group = &given->groups[d->given];
    relax(d, end, d->best[group->first] + plan_count_group(given, group).total,
          (dp_choice){.first = group->first, .candidate = DP_GIVEN, .given = d->given});
    d->given++;
}

/*
 * Bounds the traffic of the groups [s, e) with s at most `cut`, itself at most the start of the
 * group at hand, [g, e). They contain [g, e), and [cut, e), and need at least d->need. So
 * - they have one of the candidates that [g, e) still has, and none that d->need rules out: I at
 *   least `iterations`;
 * - at each of those, their peak is at least that of [g, e), and that of d->need. Their room to
 *   pin is at most what that leaves of the buffer, so they save at most `most`: what this room
 *   saves if all parameters from d->floor on can be pinned;
 * - R, what an iteration after the first rereads, pinning nothing, is at least that of [cut, e);
 *   and (I - 1) * R less what pinning saves is at least that of [g, e) in the same room, less
 *   `less`: one more byte of parameters never saves more than it costs, at I=1 too, where what is
 *   shared with steps that are there may be saved.
 * Hence with I iterations they move, beyond what they cost at I=1 with nothing pinned, at least
 *   max((I - 1) * (R of [cut, e)) - most, (I - 1) * (R of [g, e)) - what the room saves there -
 * less) and `once` takes the least of it over the candidates. They also reread at least (I - 1) * R
 * - most >= (iterations - 1) * R + (I - iterations) * (R of [cut, e)) - most and `often` takes the
 * least of this but for its first term: it bounds the traffic by that much more than what they cost
 * at `iterations`, nothing pinned.
 */
static void set_bound(dp *d, int32_t cut)
{
    const span *g = &d->group;
    const int64_t best = d->best[g->end] + 1; /* as little is of use too */
    const int32_t smallest = max_i32(g->smallest, d->need.smallest);
    if (smallest >= g->count) { /* none fits: all are useless */
        d->bound = (dp_bound){cut, 1, INT64_MIN, INT64_MIN};
        return;
    }
    const int64_t own = reread_bytes(starts_parameters_of(&d->starts, g->first, g->end));
    const int64_t less = starts_continued(&d->starts, d->floor, g->first);
    const int64_t reread = reread_bytes(starts_parameters_of(&d->starts, cut, g->end));
    const int64_t iterations = d->list.iterations[smallest];
    int64_t once = INT64_MAX;
    int64_t often = INT64_MAX;
    pins_move(&d->group_pins, g->first, g->end);
    pins_move(&d->all_pins, d->floor, g->end);
    for (int32_t c = smallest; c < g->count; c++) {
        int64_t again = d->list.iterations[c] - 1;
        int64_t room = d->task->capacity - max_i64(g->peak[c], d->need.peak);
        int64_t most = saved(d, &d->all_pins, c, room);
        int64_t left = again * own - saved(d, &d->group_pins, c, room) - less;
        once = min_i64(once, max_i64(left, again * reread - most));
        often = min_i64(often, (again + 1 - iterations) * reread - most);
    }
    d->bound = (dp_bound){cut, iterations, best - once - starts_parameters(&d->starts, g->end, 1),
                          best - often - starts_parameters(&d->starts, g->end, iterations)};
}

static bool is_block_useless(dp *d, int32_t block)
{
    const dp_bound *b = &d->bound;
    return starts_block_reduced(&d->starts, block, 1) >= b->once ||
           starts_block_reduced(&d->starts, block, b->iterations) >= b->often;
}

/* Whether no start in the full block that ends with `cut` can do better. */
static bool passes_block(dp *d, int32_t cut)
{
    const int32_t block = cut / STARTS_BLOCK - 1;
    if (!is_block_useless(d, block)) {
        if (d->bound.cut == cut)
            return false;
        set_bound(d, cut); /* may be sharper here */
        if (!is_block_useless(d, block))
            return false;
    }
    if (starts_raise(&d->need, d->starts.block_need[block]))
        set_bound(d, cut - STARTS_BLOCK);
    return true;
}

static bool passes_cut(dp *d, int32_t cut)
{
    if (starts_raise(&d->need, d->starts.need[cut]))
        set_bound(d, cut);
    const dp_bound *b = &d->bound;
    return starts_reduced(&d->starts, cut, 1) >= b->once ||
           starts_reduced(&d->starts, cut, b->iterations) >= b->often;
}

/*
 * Whether no start before the group's can do better than best[end]. A start once found useless
 * stays so, for best[end] only falls; so this goes on where the last one with the same end stopped.
 */
static bool rest_is_useless(dp *d)
{
    int32_t cut = min_i32(d->open, d->group.first);
    set_bound(d, cut);
    while (cut > d->floor) {
        if (cut % STARTS_BLOCK == 0 && cut - STARTS_BLOCK >= d->floor && passes_block(d, cut))
            cut -= STARTS_BLOCK;
        else if (passes_cut(d, cut - 1))
            cut--;
        else
            break;
    }
    d->open = cut;
    return cut == d->floor;
}

/* Tries the groups that end at cut `end`, until those left fit no longer or are useless. */
static void search_left(dp *d, int32_t end)
{
    span *g = &d->group;
    int32_t stop = d->floor;
    bool useless = false;
    d->open = end;
    d->need = (starts_need){0};
    span_start(g, end, true);
    while (g->first > stop) {
        span_grow(g);
        if (!span_fits(g)) {
            d->floor = g->first + 1; /* at the later cuts neither */
            return;
        }
        starts_need need = {g->smallest, g->peak[g->count - 1]};
        starts_learn(&d->starts, g->first, need);
        starts_raise(&d->need, need);
        if (!d->has_leader || d->leader.first != g->first) /* else it is known */
            relax_group(d, g, &d->group_pins);
        if (!useless && rest_is_useless(d)) {
            /* a bit further, for the sake of the next cuts: they find more groups known */
            useless = true;
            stop = max_i32(stop, g->first - (end - g->first) / 8);
        }
    }
}

/* Lets the leader have the step before `end`, as far as it fits. */
static void follow_leader(dp *d)
{
    if (!d->has_leader)
        return;
    span_grow(&d->leader);
    d->has_leader = span_fits(&d->leader);
    if (d->has_leader)
        relax_group(d, &d->leader, &d->leader_pins);
}

static void change_leader(dp *d, int32_t end)
{
    int32_t first = d->choice[end].first;
    if (d->choice[end].candidate == DP_STRIPS || d->choice[end].candidate == DP_GIVEN)
        return;
    if (end - first <= DP_SHORT || (d->has_leader && d->leader.first == first))
        return;
    d->has_leader = true;
    span_start(&d->leader, first, false);
    while (d->leader.end < end)
        span_grow(&d->leader);
}

/* False if memory is out, or it was stopped. */
static bool search(dp *d)
{
    const int32_t steps = d->task->program->step_count;
    for (int32_t k = 0; k < steps; k++) {
        d->stopped = plan_watch_is_past(d->task->watch);
        if (d->stopped)
            return false;
        starts_add_cut(&d->starts, d->best[k]);
        starts_add_step(&d->starts);
        dp_ties_next(&d->ties);
        follow_leader(d);
        search_left(d, k + 1);
        relax_given(d, k + 1);
        relax_passes(d, k); /* after groups: of equals, the step that needs no passes */
        if (d->strips != NULL &&
            !strip_search_cut(d->strips, k + 1, &d->best[k + 1], &d->choice[k + 1], &d->ties))
            return false;
        change_leader(d, k + 1);
    }
    return true;
}

static bool dp_open(dp *d, const plan_task *task)
{
    const mbs_program *p = task->program;
    size_t cuts = (size_t)p->step_count + 1;
    d->task = task;
    d->operands = mem_alloc(cuts * sizeof *d->operands);
    d->best = mem_alloc(cuts * sizeof *d->best);
    d->choice = mem_alloc(cuts * sizeof *d->choice);
    d->cuts = mem_alloc(cuts * sizeof *d->cuts);
    if (d->operands == NULL || d->best == NULL || d->choice == NULL || d->cuts == NULL ||
        !starts_open(&d->starts, p, task->batch) || !dp_ties_open(&d->ties, p->step_count) ||
        !pins_open(&d->group_pins, p) || !pins_open(&d->leader_pins, p) ||
        !pins_open(&d->all_pins, p) || !span_open(&d->group, task, &d->list, d->operands) ||
        !span_open(&d->leader, task, &d->list, d->operands))
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        d->operands[k] = program_operand_bytes(p, k);
        d->best[k + 1] = INT64_MAX;
    }
    d->best[0] = 0;
    return true;
}

static void dp_close(dp *d)
{
    candidates_free(&d->list);
    starts_close(&d->starts);
    dp_ties_close(&d->ties);
    span_close(&d->group);
    span_close(&d->leader);
    pins_close(&d->group_pins);
    pins_close(&d->leader_pins);
    pins_close(&d->all_pins);
    mem_free(d->operands);
    mem_free(d->best);
    mem_free(d->choice);
    mem_free(d->cuts);
}

mbs_status plan_dp(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    dp d = {0};
    strip_search strips = {0};
    if (plan_has_strips(task))
        d.strips = &strips;
    mbs_status status = candidates_create(&d.list, task->batch, error);
    if (status == MBS_OK &&
        (!dp_open(&d, task) ||
         (d.strips != NULL && !strip_search_open(&strips, task, &d.starts, d.operands)) ||
         !search(&d)))
        status = d.stopped ? plan_watch_stopped(error) : error_memory(error);
    if (status == MBS_OK)
        status = dp_ties_break(d.choice, &d.ties, plan, task, &d.list, error);
    if (status == MBS_OK)
        status = dp_emit(plan, task, &d.list, d.choice, d.cuts, error);
    if (status == MBS_OK) {
        plan->outcome = MBS_OPTIMAL;
        plan->bound_bytes = d.best[task->program->step_count];
    }
    strip_search_close(&strips);
    dp_close(&d);
    return status;
}
