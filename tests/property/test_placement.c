/*
 * Places in the buffer: every plan of random networks, with strips too, can be made to fit, and no
 * two parts of the buffer overlap that a step has in use.
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
#include "random_network.h"
#include "run.h"

#define MOST 400

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
        const int32_t own = p->touches[t].step;
        if (plan->over[own] >= 0 && t == p->steps[own].write_begin) {
            ck_assert_int_eq(layout->touch[t], layout->touch[plan->over[own]]);
            ck_assert_int_eq(layout->bytes[t], layout->bytes[plan->over[own]]);
            if (own == k && !layout->ring[t])
                continue; /* the region is still there for the operand */
        }
        if (layout->ring[t] && plan->over[p->touches[last].step] == last)
            continue; /* the ring is what is written over it */
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
    options.optimizer = random_optimizer(state);
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
    plan_options.in_place = random_between(state, 0, 1) == 0;
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
    options.optimizer = random_optimizer(state);
    options.inference = random_between(state, 0, 3) == 0;
    options.keep_batch_norm = random_between(state, 0, 1) == 0;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, label);
    plan_options.batch = random_between(state, 1, 5);
    plan_options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 5, 14));
    plan_options.no_pin = random_between(state, 0, 2) == 0;
    plan_options.no_stream = random_between(state, 0, 2) == 0;
    plan_options.in_place = random_between(state, 0, 1) == 0;
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
    TCase *plans = tcase_create("plans");
    tcase_set_timeout(plans, 0);
    tcase_add_test(plans, plans_fit);
    tcase_add_test(plans, strip_groups_fit);
    suite_add_tcase(suite, plans);
    return run_suite(suite);
}
