/* Offsets for live ranges: no two overlap, and the exact search misses no placement. */
#include <check.h>
#include <stdlib.h>

#include "mbsopt/mbsopt.h"
#include "place/placement.h"
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

int main(void)
{
    Suite *suite = suite_create("ranges");
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
    return run_suite(suite);
}
