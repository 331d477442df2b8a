/* src/emit: what lies where in DRAM. */
#include <check.h>
#include <string.h>

#include "emit/dram_layout.h"
#include "made_plan.h"
#include "mbsopt/mbsopt.h"
#include "run.h"
#include "scratch_folder.h"

/*
 * By hand: c has 3·3·3·5 weights and 5 biases of 2 bytes, accumulators of 4; d 10 without biases.
 * In a plan of one group all that is in DRAM is there throughout.
 */
START_TEST(dram_by_hand)
{
    made all = make(4, 4096);
    const mbs_program *p = all.program;
    dram_layout *layout;
    ck_assert_int_eq(all.plan->group_count, 1);
    must(dram_layout_create(&layout, all.plan, NULL, &error));
    static const dram_region expected[] = {{DRAM_WEIGHTS, "c", 0, 280, 0, 0},
                                           {DRAM_ACCUMULATORS, "c", 320, 560, 0, 0},
                                           {DRAM_WEIGHTS, "d", 896, 20, 0, 0},
                                           {DRAM_ACCUMULATORS, "d", 960, 40, 0, 0}};
    for (int i = 0; i < 4; i++) {
        const dram_region *region = &layout->regions[i];
        ck_assert_int_eq(region->content, expected[i].content);
        ck_assert_str_eq(region->name, expected[i].name);
        ck_assert_int_eq(region->address, expected[i].address);
        ck_assert_int_eq(region->bytes, expected[i].bytes);
        ck_assert_int_eq(region->first, 0);
        ck_assert_int_eq(region->last, 0);
    }
    ck_assert_int_eq(layout->region_count, 4 + p->tensor_count);
    int64_t address = 1024;
    for (int32_t id = 0; id < p->tensor_count; id++) {
        const dram_region *region = &layout->regions[4 + id];
        ck_assert_int_eq(region->content, DRAM_TENSOR);
        ck_assert_str_eq(region->name, p->tensors[id].name);
        ck_assert_int_eq(layout->tensors[id], region->bytes > 0 ? address : -1);
        if (region->bytes == 0)
            continue;
        ck_assert_int_eq(region->bytes, 4 * p->tensors[id].bytes);
        ck_assert_int_eq(region->address, address);
        address += (region->bytes + 63) / 64 * 64;
    }
    ck_assert_int_eq(layout->end, address);
    dram_layout_free(layout);
    unmake(&all);
}
END_TEST

/* What is in DRAM in group g overlaps nothing else that is; returns its bytes. */
static int64_t check_dram_of_group(const dram_layout *layout, int32_t g)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < layout->region_count; i++) {
        const dram_region *one = &layout->regions[i];
        if (one->bytes == 0 || one->first > g || one->last < g)
            continue;
        sum += one->bytes;
        ck_assert_int_eq(one->address % DRAM_ALIGNMENT, 0);
        ck_assert_int_le(one->address + one->bytes, layout->end);
        for (int32_t j = 0; j < i; j++) {
            const dram_region *other = &layout->regions[j];
            if (other->bytes > 0 && other->first <= g && other->last >= g)
                ck_assert(one->address + one->bytes <= other->address ||
                          other->address + other->bytes <= one->address);
        }
    }
    return sum;
}

START_TEST(dram_is_shared_in_time)
{
    made all = make(4, 4096);
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    dram_layout *layout;
    mbs_dram_peak peak;
    int64_t largest = 0;
    int64_t all_bytes = 0;
    mbs_plan_free(all.plan);
    options.planner = MBS_PLANNER_BASELINE;
    options.batch = 4;
    options.buffer_bytes = 4096;
    must(mbs_plan_create(&all.plan, all.program, &all.hardware, &options, &error));
    must(dram_layout_create(&layout, all.plan, NULL, &error));
    must(mbs_plan_dram_peak(all.plan, &peak, &error));
    for (int32_t g = 0; g < all.plan->group_count; g++) {
        const int64_t sum = check_dram_of_group(layout, g);
        if ((size_t)g == peak.group)
            ck_assert_int_eq(sum, peak.bytes);
        if ((size_t)g < peak.group)
            ck_assert_int_lt(sum, peak.bytes);
        largest = sum > largest ? sum : largest;
    }
    for (int32_t i = 0; i < layout->region_count; i++)
        all_bytes += layout->regions[i].bytes;
    ck_assert_int_eq(peak.bytes, largest);
    ck_assert_int_eq(peak.bytes, peak.weights + peak.accumulators + peak.tensors);
    ck_assert_int_lt(layout->end, all_bytes);
    dram_layout_free(layout);
    unmake(&all);
}
END_TEST

START_TEST(dram_of_a_layers_steps)
{
    made all = make(4, 4096);
    const mbs_program *p = all.program;
    dram_layout *layout;
    int dgrads = 0;
    must(dram_layout_create(&layout, all.plan, NULL, &error));
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const bool is_c = strcmp(step->layer, "c") == 0;
        ck_assert_int_eq(layout->weights[k], step->weight_bytes == 0 ? -1 : is_c ? 0 : 896);
        ck_assert_int_eq(layout->accumulators[k], step->accumulator_bytes == 0 ? -1
                                                  : is_c                       ? 320
                                                                               : 960);
        dgrads += step->phase == MBS_BACKWARD && step->weight_bytes > 0;
    }
    ck_assert_int_gt(dgrads, 0);
    dram_layout_free(layout);
    unmake(&all);
}
END_TEST

START_TEST(dram_beyond_all_addresses)
{
    made all = make(4, 4096);
    dram_layout *layout;
    const int64_t batches[] = {INT64_MAX, INT64_C(1) << 55, INT64_C(1) << 60};
    for (int i = 0; i < 3; i++) {
        all.plan->batch = batches[i];
        assert_says(dram_layout_create(&layout, all.plan, NULL, &error), MBS_ERR_INPUT, "2^60");
        ck_assert_ptr_null(layout);
        mbs_dram_peak peak;
        assert_says(mbs_plan_dram_peak(all.plan, &peak, &error), MBS_ERR_INPUT, "2^60");
    }
    unmake(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dram_layout");
    TCase *tests = tcase_create("regions");
    tcase_add_test(tests, dram_by_hand);
    tcase_add_test(tests, dram_of_a_layers_steps);
    tcase_add_test(tests, dram_is_shared_in_time);
    tcase_add_test(tests, dram_beyond_all_addresses);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
