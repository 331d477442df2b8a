/*
 * Offsets in the buffer: no two live ranges overlap, the exact search misses no placement, and
 * every plan of random networks can be made to fit.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/strips.h"
#include "emit/placed.h"
#include "mbsopt/mbsopt.h"
#include "place/fit.h"
#include "place/search.h"
#include "random_network.h"
#include "run.h"

#define MOST 400

static bool share_time(const live_range *a, const live_range *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Every pair is looked at; not each by an assertion of its own, for these take their time. */
static void check_offsets(const live_range *ranges, int32_t count, int64_t height)
{
    int64_t highest = 0;
    int64_t lowest = INT64_MAX;
    int overlaps = 0;
    for (int32_t i = 0; i < count; i++) {
        const int64_t end = ranges[i].offset + ranges[i].size;
        highest = end > highest ? end : highest;
        lowest = ranges[i].offset < lowest ? ranges[i].offset : lowest;
        for (int32_t j = 0; j < i; j++)
            overlaps += share_time(&ranges[i], &ranges[j]) && end > ranges[j].offset &&
                        ranges[j].offset + ranges[j].size > ranges[i].offset;
    }
    ck_assert_int_eq(overlaps, 0);
    ck_assert_int_eq(lowest, 0);
    ck_assert_int_eq(highest, height);
}

static int64_t largest_load(const live_range *ranges, int32_t count)
{
    int64_t largest = 0;
    for (int32_t i = 0; i < count; i++) { /* a load is largest where something begins */
        int64_t load = 0;
        for (int32_t j = 0; j < count; j++)
            if (ranges[j].first <= ranges[i].first && ranges[i].first <= ranges[j].last)
                load += ranges[j].size;
        largest = load > largest ? load : largest;
    }
    return largest;
}

static int32_t random_ranges(uint64_t *state, live_range *ranges, int64_t most, int32_t steps,
                             int64_t sizes)
{
    int32_t count = (int32_t)random_between(state, 1, most);
    for (int32_t i = 0; i < count; i++) {
        int32_t first = (int32_t)random_between(state, 0, steps - 1);
        int32_t last = steps - 1;
        if (random_between(state, 0, 3) > 0)
            last = first + (last - first) / 4;
        ranges[i] = (live_range){.first = first,
                                 .last = (int32_t)random_between(state, first, last),
                                 .size = random_between(state, 1, sizes)};
    }
    return count;
}

static placement place(live_range *ranges, int32_t count, int64_t capacity, int64_t nodes)
{
    placement result;
    ck_assert_int_eq(place_ranges(ranges, count, capacity, nodes, NULL, &result, NULL), MBS_OK);
    check_offsets(ranges, count, result.height);
    ck_assert_int_eq(result.load, largest_load(ranges, count));
    ck_assert_int_ge(result.height, result.load);
    ck_assert_int_eq(result.outcome == MBS_PLACE_FITS, result.height <= capacity);
    ck_assert_int_le(result.nodes, nodes);
    return result;
}

/* Ranges of all kinds; ample room, as much as they need at one time, and less. */
START_TEST(no_overlap)
{
    static live_range ranges[MOST];
    uint64_t state = 7;
    int searched = 0;
    for (int round = 0; round < 300; round++) {
        const int64_t most = MOST >> random_between(&state, 0, 7);
        const int32_t steps = (int32_t)random_between(&state, 1, 60);
        const int64_t sizes = random_between(&state, 1, 1000);
        int32_t count = random_ranges(&state, ranges, most, steps, sizes);
        const int64_t load = largest_load(ranges, count);
        placement tight = place(ranges, count, load, 400);
        searched += tight.outcome == MBS_PLACE_FITS && tight.nodes > 0;
        placement again = place(ranges, count, load, 400);
        ck_assert_int_eq(again.height, tight.height);
        ck_assert_int_eq(again.nodes, tight.nodes);
        place(ranges, count, 2 * load, 400);
        ck_assert_int_eq(place(ranges, count, load - 1, 400).outcome, MBS_PLACE_IMPOSSIBLE);
    }
    ck_assert_int_gt(searched, 0);
}
END_TEST

/* ---- The search against all offsets ---------------------------------------------------------- */

/* Whether ranges from `placed` on find offsets below `height` beside those before: tries them all.
 */
static bool some_offsets(live_range *ranges, int32_t placed, int32_t count, int64_t height)
{
    if (placed == count)
        return true;
    live_range *range = &ranges[placed];
    for (range->offset = 0; range->offset + range->size <= height; range->offset++) {
        bool is_free = true;
        for (int32_t j = 0; j < placed && is_free; j++)
            is_free = !share_time(range, &ranges[j]) ||
                      range->offset + range->size <= ranges[j].offset ||
                      ranges[j].offset + ranges[j].size <= range->offset;
        if (is_free && some_offsets(ranges, placed + 1, count, height))
            return true;
    }
    return false;
}

/* Ranges that take the whole of `load` at each of `steps` steps. */
static int32_t flat_ranges(uint64_t *state, live_range *ranges, int32_t steps, int64_t load)
{
    int32_t count = 0;
    for (int32_t step = 0; step < steps; step++) {
        int64_t room = load;
        for (int32_t i = 0; i < count; i++)
            if (ranges[i].last == step - 1 && random_between(state, 0, 2) > 0) {
                ranges[i].last = step;
                room -= ranges[i].size;
            }
        while (room > 0) {
            const int64_t size = random_between(state, 1, room < 3 ? room : 3);
            ranges[count++] = (live_range){.first = step, .last = step, .size = size};
            room -= size;
        }
    }
    return count;
}

START_TEST(search_is_exact)
{
    static live_range ranges[MOST];
    uint64_t state = 11;
    int above_load = 0;
    int gave_up = 0;
    for (int round = 0; round < 2500; round++) {
        const int64_t load = random_between(&state, 4, 12);
        int32_t count = flat_ranges(&state, ranges, 2 + round % 19, load);
        const bool possible = some_offsets(ranges, 0, count, load);
        placement found = place(ranges, count, load, 100000);
        if (found.outcome == MBS_PLACE_GAVE_UP)
            gave_up++;
        else
            ck_assert_int_eq(found.outcome, possible ? MBS_PLACE_FITS : MBS_PLACE_IMPOSSIBLE);
        above_load += found.outcome == MBS_PLACE_IMPOSSIBLE;
    }
    ck_assert_int_gt(above_load, 0);
    ck_assert_int_lt(gave_up, 30);
}
END_TEST

/* Cuts the whole buffer over all steps into pieces: a placement without any gap. */
static int32_t cut_rectangle(uint64_t *state, live_range *pieces, live_range whole, int depth)
{
    const bool in_time = random_between(state, 0, 1) == 0;
    if (depth == 0 || (in_time ? whole.last == whole.first : whole.size == 1)) {
        pieces[0] = whole;
        return 1;
    }
    live_range rest = whole;
    if (in_time) {
        whole.last = (int32_t)random_between(state, whole.first, whole.last - 1);
        rest.first = whole.last + 1;
    } else {
        whole.size = random_between(state, 1, whole.size - 1);
        rest.size -= whole.size;
    }
    int32_t count = cut_rectangle(state, pieces, whole, depth - 1);
    return count + cut_rectangle(state, pieces + count, rest, depth - 1);
}

START_TEST(perfect_packings)
{
    static live_range pieces[64];
    uint64_t state = 13;
    int gave_up = 0;
    for (int round = 0; round < 300; round++) {
        const live_range whole = {.first = 0, .last = 40, .size = 997};
        int32_t count = cut_rectangle(&state, pieces, whole, 3 + round % 3);
        placement found = place(pieces, count, whole.size, PLACE_NODES);
        ck_assert_int_ne(found.outcome, MBS_PLACE_IMPOSSIBLE);
        gave_up += found.outcome == MBS_PLACE_GAVE_UP;
    }
    ck_assert_int_le(gave_up, 3); /* of 300: a search without a limit would find them all */
}
END_TEST

/* Best fit leaves a gap here; the search must be told to stop, and else finds a way. */
START_TEST(node_limit)
{
    static live_range ranges[MOST];
    uint64_t state = 17;
    for (;;) {
        int32_t count = random_ranges(&state, ranges, 40, 20, 50);
        const int64_t load = largest_load(ranges, count);
        placement full = place(ranges, count, load, PLACE_NODES);
        if (full.outcome != MBS_PLACE_FITS || full.nodes < 8)
            continue;
        placement cut = place(ranges, count, load, 4);
        ck_assert_int_eq(cut.outcome, MBS_PLACE_GAVE_UP);
        ck_assert_int_le(cut.nodes, 4);
        break;
    }
}
END_TEST

/* Whether it is best fit or the search that is at work when it is to end. */
START_TEST(placing_that_is_to_end)
{
    static live_range ranges[MOST];
    static mbs_error error;
    uint64_t state = 3;
    plan_watch watch = {.cancelled = true};
    placement found;
    for (int i = 0; i < 20; i++) {
        mbs_place_outcome outcome;
        int64_t nodes;
        int32_t count = random_ranges(&state, ranges, 40, 20, 50);
        const int64_t load = largest_load(ranges, count);
        mbs_error_clear(&error);
        ck_assert_int_eq(place_ranges(ranges, count, load, PLACE_NODES, &watch, &found, &error),
                         MBS_ERR_STOPPED);
        ck_assert_int_eq(
            place_search(ranges, count, load, PLACE_NODES, &watch, &outcome, &nodes, &error),
            MBS_ERR_STOPPED);
        ck_assert_int_le(nodes, 1);
    }
}
END_TEST

/* ---- As callers of the library see it ------------------------------------------------------- */

START_TEST(public_ranges)
{
    static live_range ranges[MOST];
    static mbs_error error;
    uint64_t state = 19;
    mbs_place_options options = MBS_PLACE_OPTIONS_INIT;
    mbs_placement found;
    int higher = 0;
    options.node_limit = 20000;
    for (int round = 0; round < 300; round++) {
        const int64_t load = random_between(&state, 4, 12);
        int32_t count = flat_ranges(&state, ranges, 2 + round % 19, load);
        options.capacity = 0;
        ck_assert_int_eq(mbs_place_ranges(ranges, count, &options, &found, NULL), MBS_OK);
        check_offsets(ranges, count, found.height);
        ck_assert_int_eq(found.load, load);
        ck_assert(found.bound >= load && found.bound <= found.height);
        higher += found.height > load;
        const int64_t lowest = found.height;
        options.capacity = lowest;
        ck_assert_int_eq(mbs_place_ranges(ranges, count, &options, &found, NULL), MBS_OK);
        ck_assert_int_eq(found.outcome, MBS_PLACE_FITS);
        ck_assert_int_eq(found.height, lowest);
    }
    ck_assert_int_gt(higher, 0);
    mbs_error_clear(&error);
    ranges[0].size = 0;
    ck_assert_int_eq(mbs_place_ranges(ranges, 1, NULL, &found, &error), MBS_ERR_ARGUMENT);
    ck_assert_str_eq(error.message[0],
                     "range 0 has no step or no size: expected 0 <= first <= last, 1 <= size");
    ck_assert_int_eq(mbs_place_ranges(NULL, 1, NULL, &found, NULL), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_place_ranges(NULL, 0, NULL, &found, NULL), MBS_OK);
}
END_TEST

/* ---- Memory that runs out ------------------------------------------------------------------- */

static void *scarce_allocate(void *context, size_t bytes)
{
    int *left = context;
    return (*left)-- > 0 ? malloc(bytes) : NULL;
}

static void scarce_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

/* Whichever allocation fails, best fit's and the search's: that is said, and nothing is left. */
START_TEST(memory_runs_out)
{
    static live_range ranges[MOST];
    static mbs_error error;
    uint64_t state = 7;
    placement found = {0};
    int32_t count = 0;
    while (found.outcome != MBS_PLACE_FITS || found.nodes < 100) {
        count = random_ranges(&state, ranges, 100, 40, 100);
        found = place(ranges, count, largest_load(ranges, count), 400);
    }
    int left = 0;
    const mbs_allocator scarce = {scarce_allocate, scarce_release, &left};
    mbs_status status = MBS_ERR_MEMORY;
    int needed = 0;
    for (; status == MBS_ERR_MEMORY; needed++) {
        left = needed;
        mbs_error_clear(&error);
        const mbs_allocator *before = mbs_use_allocator(&scarce);
        status =
            place_ranges(ranges, count, largest_load(ranges, count), 400, NULL, &found, &error);
        mbs_use_allocator(before);
        ck_assert_uint_eq(error.count, status == MBS_OK ? 0 : 1);
    }
    ck_assert_int_eq(status, MBS_OK);
    ck_assert_int_gt(needed, 10);
    check_offsets(ranges, count, found.height);
}
END_TEST

/* ---- Plans ----------------------------------------------------------------------------------- */

/* A part of the buffer that a step has in use. */
typedef struct region {
    int64_t offset;
    int64_t end;
} region;

static void add_region(region *regions, int *count, const placed_plan *placed, int64_t offset,
                       int64_t bytes)
{
    ck_assert_int_eq(offset >= 0, bytes > 0);
    if (bytes == 0)
        return;
    ck_assert_int_lt(*count, MOST);
    ck_assert_int_eq(offset % placed->layout.alignment, 0);
    ck_assert_int_le(offset + bytes, plan_capacity(placed->plan));
    regions[(*count)++] = (region){offset, offset + bytes};
}

/* The tensors in the buffer at step k, which come to touches of them one after another. */
static void add_tensors(region *regions, int *count, const placed_plan *placed,
                        const mbs_group *group, int32_t k)
{
    const mbs_plan *plan = placed->plan;
    const buffer_layout *layout = &placed->layout;
    const mbs_program *p = plan->program;
    const int32_t begin = p->steps[group->first].touch_begin;
    for (int32_t t = begin; t < p->steps[group->end - 1].touch_end; t++) {
        const int32_t previous = p->touches[t].previous;
        int32_t last = t;
        if (previous >= begin && plan->resident[previous]) {
            ck_assert_int_eq(layout->touch[t], layout->touch[previous]);
            ck_assert_int_eq(layout->bytes[t], layout->bytes[previous]);
            continue;
        }
        while (plan->resident[last])
            last = p->touches[last].next;
        if (layout->ring[t] || (p->touches[t].step <= k && k <= p->touches[last].step))
            add_region(regions, count, placed, layout->touch[t], layout->bytes[t]);
    }
}

/* What is pinned of step i; of what an earlier step of the group uses too, it is there already. */
static void add_pinned(region *regions, int *count, const placed_plan *placed,
                       const int64_t *offset, const int64_t *bytes, int32_t i, int32_t previous,
                       int32_t first)
{
    if (previous < first) {
        add_region(regions, count, placed, offset[i], bytes[i]);
        return;
    }
    ck_assert_int_eq(offset[i], offset[previous]);
    ck_assert_int_eq(bytes[i], bytes[previous]);
}

/* All that is in the buffer at step k: the footprint; nothing overlaps and nothing is outside. */
static void check_step(const placed_plan *placed, const mbs_group *group, int32_t k,
                       int64_t footprint)
{
    region regions[MOST];
    int count = 0;
    int64_t sum = 0;
    const mbs_plan *plan = placed->plan;
    const buffer_layout *layout = &placed->layout;
    const mbs_program *p = plan->program;
    const bool streamed = plan->mode[k] == MBS_STREAMED;
    add_tensors(regions, &count, placed, group, k);
    add_region(regions, &count, placed, layout->weight[k], streamed ? p->steps[k].weight_bytes : 0);
    add_region(regions, &count, placed, layout->accumulator[k],
               streamed ? p->steps[k].accumulator_bytes : 0);
    for (int32_t i = group->first; i < group->end; i++) {
        add_pinned(regions, &count, placed, layout->pinned_weight, plan->pinned_weight, i,
                   p->steps[i].weight_use.previous, group->first);
        add_pinned(regions, &count, placed, layout->pinned_accumulator, plan->pinned_accumulator, i,
                   p->steps[i].accumulator_use.previous, group->first);
    }
    for (int i = 0; i < count; i++) {
        sum += regions[i].end - regions[i].offset;
        for (int j = 0; j < i; j++)
            ck_assert_msg(regions[i].end <= regions[j].offset ||
                              regions[j].end <= regions[i].offset,
                          "step %d %s: parts of the buffer overlap", k, p->steps[k].name);
    }
    ck_assert_int_eq(sum, footprint);
}

static void check_group(const placed_plan *placed, const mbs_group *group)
{
    const mbs_plan *plan = placed->plan;
    if (group->strips == 1) {
        footprint_walk walk = footprint_walk_begin(plan, group, group->sub_batch);
        for (int32_t k = group->first; k < group->end; k++)
            check_step(placed, group, k, footprint_walk_step(&walk, k));
        return;
    }
    int64_t *bytes = strips_group_footprints(plan, group);
    const int64_t pinned = plan_pinned_bytes(plan, group->first, group->end);
    ck_assert_ptr_nonnull(bytes);
    for (int32_t k = group->first; k < group->end; k++)
        check_step(placed, group, k, bytes[k - group->first] + pinned);
    mem_free(bytes);
}

/* What happened to the plans. */
typedef struct tally {
    int trimmed;
    int shrunk;
    int cut;
    int untouched;
    int dearer;
    int finer; /* with more strips than before */
    int strip_groups;
} tally;

/* What was placed is placed as it is: the same groups, pins and offsets. */
static void place_again(const mbs_plan *plan, int64_t alignment)
{
    static mbs_error error;
    placed_plan first, second;
    mbs_error_clear(&error);
    ck_assert_msg(plan_place(&first, plan, alignment, NULL, &error) == MBS_OK, "%s",
                  error.message[0]);
    ck_assert_int_eq(plan_fit(&second, first.plan, alignment, NULL, &error), MBS_OK);
    ck_assert_int_eq(second.change_count + second.trimmed, 0);
    const size_t touches = (size_t)plan->program->touch_count;
    ck_assert_mem_eq(second.layout.touch, first.layout.touch, touches * sizeof *first.layout.touch);
    ck_assert_int_eq(second.plan->traffic.total, first.plan->traffic.total);
    placed_plan_free(&second);
    placed_plan_free(&first);
}

/* The buffer's map says of every step what the layout of the placed plan says. */
static void check_map(const mbs_plan *plan, int64_t alignment)
{
    static mbs_error error;
    mbs_hardware hardware;
    mbs_buffer_range *ranges;
    size_t count;
    placed_plan placed;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    hardware.buffer_alignment_bytes = alignment;
    must_succeed(mbs_plan_buffer_map(&ranges, &count, plan, &hardware, NULL, NULL, &error), &error,
                 "map");
    ck_assert_int_eq(plan_place(&placed, plan, alignment, NULL, &error), MBS_OK);
    for (int32_t k = 0; k < plan->program->step_count; k++) {
        const mbs_group *group = &placed.plan->groups[plan_group_of(placed.plan, k)];
        region regions[MOST];
        int in_use = 0;
        int64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            const mbs_buffer_range *range = &ranges[i];
            if (range->first > (size_t)k || range->last < (size_t)k)
                continue;
            ck_assert_int_ge((int64_t)range->first, group->first);
            ck_assert_int_lt((int64_t)range->last, group->end);
            ck_assert_int_eq(range->tensor < 0, range->content >= MBS_BUFFER_PARAMETERS);
            ck_assert_int_eq(range->step < 0, range->tensor >= 0);
            add_region(regions, &in_use, &placed, range->offset, range->bytes);
            sum += range->bytes;
        }
        check_step(&placed, group, k, sum);
        ck_assert_int_le(sum, group->peak_bytes);
    }
    placed_plan_free(&placed);
    mbs_free(ranges);
}

static void fit_plan(const mbs_plan *plan, int64_t alignment, tally *sum)
{
    static mbs_error error;
    placed_plan placed;
    mbs_traffic before, after;
    mbs_error_clear(&error);
    ck_assert_msg(plan_fit(&placed, plan, alignment, NULL, &error) == MBS_OK, "%s",
                  error.message[0]);
    for (int32_t g = 0; g < placed.plan->group_count; g++) {
        check_group(&placed, &placed.plan->groups[g]);
        sum->strip_groups += placed.plan->groups[g].strips > 1;
    }
    for (int32_t i = 0; i < placed.change_count; i++) {
        const fit_portion given = placed.changes[i].given;
        const fit_portion taken = placed.changes[i].taken;
        ck_assert(taken.sub_batch < given.sub_batch || taken.strips > given.strips);
        sum->finer += taken.sub_batch > 0 && given.strips > 1;
        sum->shrunk += taken.sub_batch > 0 && given.strips == 1;
        sum->cut += taken.sub_batch == 0;
    }
    sum->trimmed += placed.trimmed;
    mbs_plan_traffic(plan, &before);
    mbs_plan_traffic(placed.plan, &after);
    sum->dearer += after.total > before.total;
    if (placed.change_count == 0 && placed.trimmed == 0) {
        sum->untouched++;
        ck_assert_int_eq(after.total, before.total);
        ck_assert_int_eq(placed.plan->outcome, plan->outcome);
        ck_assert_int_eq(placed.plan->group_count, plan->group_count);
    } else {
        ck_assert_int_ne(placed.plan->outcome, MBS_OPTIMAL);
    }
    placed_plan_free(&placed);
    place_again(plan, alignment);
    check_map(plan, alignment);
}

static void fit_network(uint64_t *state, tally *sum)
{
    static mbs_error error;
    char label[RANDOM_LABEL_BYTES];
    mbs_network *network = random_network(state, (int)random_between(state, 3, 12), label);
    mbs_program *program;
    mbs_hardware hardware;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_error_clear(&error);
    options.inference = random_between(state, 0, 4) == 0;
    options.keep_batch_norm = random_between(state, 0, 1) == 0;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, label);
    mbs_hardware_wavecore(&hardware);
    hardware.reserved_bytes = random_between(state, 0, 2) == 0 ? 1000 : 0;
    plan_options.batch = random_between(state, 1, 20);
    plan_options.buffer_bytes =
        5096 + random_between(state, 0, INT64_C(1) << random_between(state, 5, 16));
    plan_options.no_pin = random_between(state, 0, 2) == 0;
    plan_options.no_stream = random_between(state, 0, 2) == 0;
    for (int planner = 0; planner < MBS_PLANNER_ILP; planner++) {
        mbs_plan *plan;
        plan_options.planner = (mbs_planner)planner;
        must_succeed(mbs_plan_create(&plan, program, &hardware, &plan_options, &error), &error,
                     label);
        fit_plan(plan, INT64_C(1) << random_between(state, 0, 12), sum);
        mbs_plan_free(plan);
    }
    mbs_program_free(program);
    mbs_network_free(network);
}

/* Coarse alignments and small buffers, so that everything that can be done about it is. */
START_TEST(plans_fit)
{
    uint64_t state = 19;
    tally sum = {0};
    for (int round = 0; round < 60; round++)
        fit_network(&state, &sum);
    printf("plans as they were %d; groups that pin less %d, shrunk %d, cut %d; plans that move "
           "more %d\n",
           sum.untouched, sum.trimmed, sum.shrunk, sum.cut, sum.dearer);
    ck_assert_int_gt(sum.untouched, 0);
    ck_assert_int_gt(sum.trimmed, 0);
    ck_assert_int_gt(sum.shrunk, 0);
    ck_assert_int_gt(sum.cut, 0);
    ck_assert_int_gt(sum.dearer, 0);
}
END_TEST

static void fit_strips(uint64_t *state, tally *sum)
{
    static mbs_error error;
    char label[RANDOM_LABEL_BYTES];
    mbs_network *network = random_network_of_rows(state, (int)random_between(state, 3, 14), label);
    mbs_program *program;
    mbs_plan *plan;
    mbs_hardware hardware;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    /* long words, so that small networks are large for the smallest buffer */
    hardware.bits.activation = 64 << random_between(state, 0, 6);
    options.bits = hardware.bits;
    options.split_norms = 1;
    options.inference = random_between(state, 0, 3) == 0;
    options.keep_batch_norm = random_between(state, 0, 1) == 0;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, label);
    plan_options.batch = random_between(state, 1, 5);
    plan_options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 14));
    plan_options.no_pin = random_between(state, 0, 2) == 0;
    plan_options.no_stream = random_between(state, 0, 2) == 0;
    must_succeed(mbs_plan_create(&plan, program, &hardware, &plan_options, &error), &error, label);
    fit_plan(plan, INT64_C(1) << random_between(state, 0, 12), sum);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}

START_TEST(strip_groups_fit)
{
    uint64_t state = 21;
    tally sum = {0};
    for (int round = 0; round < 300; round++)
        fit_strips(&state, &sum);
    printf(
        "%d strip groups; plans as they were %d; groups that pin less %d, in more strips %d, cut "
        "%d; plans that move more %d\n",
        sum.strip_groups, sum.untouched, sum.trimmed, sum.finer, sum.cut, sum.dearer);
    ck_assert_int_gt(sum.strip_groups, 100);
    ck_assert_int_gt(sum.untouched, 0);
    ck_assert_int_gt(sum.trimmed, 0);
    ck_assert_int_gt(sum.finer, 0);
    ck_assert_int_gt(sum.cut, 0);
    ck_assert_int_gt(sum.dearer, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement");
    TCase *ranges = tcase_create("ranges");
    tcase_set_timeout(ranges, 0);
    tcase_add_test(ranges, no_overlap);
    tcase_add_test(ranges, memory_runs_out);
    tcase_add_test(ranges, search_is_exact);
    tcase_add_test(ranges, perfect_packings);
    tcase_add_test(ranges, node_limit);
    tcase_add_test(ranges, public_ranges);
    tcase_add_test(ranges, placing_that_is_to_end);
    suite_add_tcase(suite, ranges);
    TCase *plans = tcase_create("plans");
    tcase_set_timeout(plans, 0);
    tcase_add_test(plans, plans_fit);
    tcase_add_test(plans, strip_groups_fit);
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}
