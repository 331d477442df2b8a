/* The verifier on strip groups: row maps by brute force, plans counted by hand, and corruptions. */
#include <check.h>
#include <string.h>

#include "base/checked.h"
#include "hand_plans.h"
#include "strip_plans.h"
#include "verify/replay.h"

/* ---- Row maps -------------------------------------------------------------------------------- */

/* Whether row `row` of a step needs row `of` of its operand, as the op is defined. */
static bool needs(const mbs_row_map *map, int64_t row, int64_t of)
{
    switch (map->kind) {
    case ROWS_SAME:
        return row == of;
    case ROWS_WINDOW:
        return of >= row * map->stride - map->pad &&
               of < row * map->stride - map->pad + map->window;
    case ROWS_TRANSPOSED:
        return row >= of * map->stride - map->pad &&
               row < of * map->stride - map->pad + map->window;
    case ROWS_SHIFTED:
        return of + map->pad == row;
    default:
        return true;
    }
}

/* The rows needed lie within the range, and its ends, where it is not empty, are needed. */
static void compare_row(const mbs_row_map *map, int64_t rows, int64_t height, int64_t row)
{
    const row_range range = rows_needed(map, rows, height, row);
    ck_assert_int_ge(range.lo, 0);
    ck_assert_int_le(range.hi, height);
    for (int64_t of = 0; of < height; of++)
        if (needs(map, row, of))
            ck_assert_msg(range.lo <= of && of < range.hi,
                          "map %d window %d stride %d pad %d: row %d needs %d, range %d to %d",
                          (int)map->kind, (int)map->window, (int)map->stride, (int)map->pad,
                          (int)row, (int)of, (int)range.lo, (int)range.hi);
    if (range.lo < range.hi)
        ck_assert(needs(map, row, range.lo) && needs(map, row, range.hi - 1));
}

START_TEST(rows_needed_are_those_of_the_op)
{
    int compared = 0;
    for (int64_t window = 1; window <= 5; window++)
        for (int64_t stride = 1; stride <= 4; stride++)
            for (int64_t pad = 0; pad <= 3; pad++)
                for (int64_t row = 0; row < 24; row++, compared++) {
                    const mbs_row_map maps[] = {
                        {ROWS_SAME, 0, 0, 0},
                        {ROWS_WINDOW, window, stride, pad},
                        {ROWS_TRANSPOSED, window, stride, pad},
                        {ROWS_SHIFTED, 0, 0, pad},
                        {ROWS_SHIFTED, 0, 0, -pad},
                        {ROWS_WHOLE, 0, 0, 0},
                    };
                    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
                        compare_row(&maps[i], 24, 3 + 4 * stride, row);
                }
    ck_assert_int_eq(compared, 5 * 4 * 4 * 24);
}
END_TEST

/* Where a row of an upsampling's output comes from, of either convention, and the way back. */
START_TEST(rows_needed_by_upsampling)
{
    const mbs_row_map scaled = {.kind = ROWS_SCALED};
    const mbs_row_map back = {.kind = ROWS_TRANSPOSED_SCALED};
    for (int64_t in = 1; in <= 12; in++)
        for (int64_t out = 1; out <= 30; out++)
            for (int64_t row = 0; row < out; row++) {
                const double corners =
                    out == 1 ? 0 : (double)row * (double)(in - 1) / (double)(out - 1);
                const double centres = ((double)row + 0.5) * (double)in / (double)out - 0.5;
                const row_range range = rows_needed(&scaled, out, in, row);
                const double from[] = {corners, centres < 0 ? 0 : centres};
                for (int i = 0; i < 2; i++) {
                    const int64_t lower = (int64_t)from[i];
                    const int64_t upper = min_i64(lower + (from[i] > (double)lower), in - 1);
                    ck_assert_int_le(range.lo, lower);
                    ck_assert_int_lt(upper, range.hi);
                }
                for (int64_t of = range.lo; of < range.hi; of++) {
                    const row_range gradient = rows_needed(&back, in, out, of);
                    ck_assert(gradient.lo <= row && row < gradient.hi);
                }
            }
}
END_TEST

START_TEST(rows_needed_far_out)
{
    const int64_t far = INT64_C(1) << 53;
    const mbs_row_map maps[] = {
        {ROWS_WINDOW, far, far, far},     {ROWS_WINDOW, 1, far, -far},
        {ROWS_TRANSPOSED, far, far, far}, {ROWS_TRANSPOSED, 1, 1, -far},
        {ROWS_SHIFTED, 0, 0, far},        {ROWS_SHIFTED, 0, 0, -far},
    };
    static const row_range expected[] = {{0, 8}, {8, 8}, {1, 2}, {0, 0}, {0, 0}, {8, 8}};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        const row_range range = rows_needed(&maps[i], INT32_MAX, 8, i == 0 ? 1 : INT32_MAX - 1);
        ck_assert_int_eq(range.lo, expected[i].lo);
        ck_assert_int_eq(range.hi, expected[i].hi);
    }
}
END_TEST

/* ---- Plans without fault --------------------------------------------------------------------- */

START_TEST(counts_by_hand)
{
    mbs_plan *plan = _i == 0 ? strip_inference() : strip_training();
    mbs_traffic counted;
    mbs_error_clear(&error);
    ck_assert_msg(mbs_plan_verify(plan, &counted, &error) == MBS_OK, "%s", error.message[0]);
    ck_assert_int_eq(counted.total, _i == 0 ? 956 : 3482);
    ck_assert_int_eq(memcmp(&counted, &plan->traffic, sizeof counted), 0);
    mbs_plan_free(plan);
}
END_TEST

/* The same with a batch norm that is kept. */
static mbs_plan *strip_batch_norm(void)
{
    mbs_plan *plan = strip_inference();
    plan->owned_program->steps[1].kind = "batch_norm.stat";
    plan->owned_program->steps[2].kind = "batch_norm";
    plan->owned_program->steps[2].coupled_to = 1;
    return plan;
}

/* The statistics in one group, their application in the next. */
START_TEST(accepts_coupled_steps_apart)
{
    expect_pass(strip_batch_norm());
}
END_TEST

/*
 * All of it in one strip group: n waits for n.stat, which waits for all of c. So c is kept whole,
 * 160 bytes, and of x, n, r, p only n's first strip is early: 8 rows of x come at once. n does 2,
 * 4, 6, 8 rows as before.
 */
START_TEST(statistics_are_complete_before_they_are_applied)
{
    mbs_plan *plan = strip_inference();
    plan->group_count = 1;
    plan->groups[0].end = 6;
    /* x passes 80 - 0 bytes, c's 10 of weights are less; n has no operand of its own any more:
       c 160 + g 20 are there throughout, n 40 + r 40 at r; pinned 4 */
    plan->groups[0].peak_bytes = 264;
    plan->mode[2] = MBS_STAGED;
    for (int32_t t = 0; t < plan->program->touch_count; t++)
        plan->resident[t] = plan->program->touches[t].next >= 0;
    hand_traffic(plan, 160, 40, 116, 0); /* of activations x and g alone move */
    expect_pass(plan);
    plan = strip_batch_norm();
    plan->group_count = 1;
    plan->groups[0].end = 6;
    expect_fault(plan, "step 2 \"n\" (group 0): applies statistics of the mini-batch that step 1 "
                       "\"n.stat\" makes, but their group has 8 iterations, expected 1 [coupled]");
}
END_TEST

/* In whole samples the statistics are tensors without bytes, and norms need no whole sample. */
START_TEST(accepts_split_norms_in_whole_samples)
{
    mbs_plan *plan = strip_inference();
    plan->group_count = 1;
    plan->groups[0] = (mbs_group){.first = 0,
                                  .end = 6,
                                  .iterations = 1,
                                  .sub_batch = 2,
                                  .strips = 1,
                                  .passes = 1,
                                  .peak_bytes = 2 * (160 + 160) + 4};
    plan->mode[0] = MBS_STREAMED; /* 2·160 of c and 10: less than n's, r's and p's */
    plan->mode[2] = MBS_STAGED;
    for (int32_t t = 0; t < plan->program->touch_count; t++)
        plan->resident[t] = plan->program->touches[t].next >= 0;
    hand_traffic(plan, 160, 40, 18, 0);
    expect_pass(plan);
}
END_TEST

/* ---- Corruptions ----------------------------------------------------------------------------- */

typedef struct corruption {
    mbs_plan *(*make)(void);
    void (*damage)(mbs_plan *plan);
    const char *message;
} corruption;

#define DAMAGE(name, statement)                                                                    \
    static void name(mbs_plan *plan)                                                               \
    {                                                                                              \
        mbs_program *p = plan->owned_program;                                                      \
        (void)p;                                                                                   \
        statement;                                                                                 \
    }

/* strips, iterations, sub-batch */
DAMAGE(seven_strips, plan->groups[0].strips = 7)
DAMAGE(too_many_strips, plan->groups[0].strips = 32)
DAMAGE(no_strips, plan->groups[0].strips = 0)
DAMAGE(negative_strips, plan->groups[0].strips = -8)
DAMAGE(one_strip, plan->groups[0].strips = 1)
DAMAGE(iterations_of_fewer_samples, plan->groups[0].iterations = 16)
DAMAGE(sub_batch_of_two, plan->groups[2].sub_batch = 2)
DAMAGE(no_rows, p->has_rows = false)
DAMAGE(other_strips, (plan->groups[0].strips = 4, plan->groups[0].iterations = 12))
/* residency */
DAMAGE(row_goes_early, plan->resident[1] = false)
DAMAGE(statistics_leave, plan->resident[6] = false)
DAMAGE(leaves_the_group, plan->resident[2] = true)
/* modes */
DAMAGE(staged, plan->mode[0] = MBS_STAGED)
DAMAGE(streamed, plan->mode[5] = MBS_STREAMED)
DAMAGE(in_passes, plan->mode[4] = MBS_PASSES)
DAMAGE(passes_of_two, plan->groups[2].passes = 2)
DAMAGE(pins_too_much, plan->pinned_accumulator[5] = 41)
/* rows and maps */
DAMAGE(no_rows_of_tensor, p->tensors[0].rows = 0)
DAMAGE(no_rows_of_step, p->steps[2].rows = 0)
DAMAGE(more_rows_of_step, p->steps[4].rows = 9)
DAMAGE(other_rows_of_statistics, p->steps[1].rows = 1)
DAMAGE(other_rows_of_sum, p->steps[5].rows = 1)
DAMAGE(window_of_five, p->maps[HAND_STRIDED].window = 5)
DAMAGE(stride_of_one, p->maps[HAND_STRIDED].stride = 1)
DAMAGE(same_for_a_window, p->touches[2].map = ROW_MAP_SAME)
DAMAGE(same_for_the_whole, p->touches[5].map = ROW_MAP_SAME)
DAMAGE(same_for_a_loss, p->touches[4].map = ROW_MAP_SAME)
DAMAGE(transposed_forward, p->touches[2].map = HAND_TRANSPOSED)
DAMAGE(window_backward, p->touches[8].map = HAND_WINDOW)
DAMAGE(window_of_a_relu, p->touches[7].map = HAND_WINDOW)
DAMAGE(shifted_statistics, (p->maps[HAND_STRIDED] = (mbs_row_map){.kind = ROWS_SHIFTED, .pad = 7},
                            p->touches[5].map = HAND_STRIDED))
DAMAGE(scaled_norm, (p->maps[HAND_STRIDED].kind = ROWS_SCALED, p->touches[4].map = HAND_STRIDED))
DAMAGE(scaled_back_norm,
       (p->maps[HAND_STRIDED].kind = ROWS_TRANSPOSED_SCALED, p->touches[4].map = HAND_STRIDED))
DAMAGE(product_of_rows, (p->steps[3].kind = "matmul", p->touches[6].map = ROW_MAP_SAME))
DAMAGE(no_such_map, p->touches[0].map = HAND_MAP_COUNT)
DAMAGE(negative_map, p->touches[0].map = -1)
DAMAGE(written_by_map, p->touches[1].map = ROW_MAP_WHOLE)
DAMAGE(unknown_kind, p->maps[HAND_POOL].kind = (row_map_kind)9)
DAMAGE(window_of_none, p->maps[HAND_POOL].window = 0)
DAMAGE(no_first_maps, p->maps[ROW_MAP_WHOLE].kind = ROWS_SAME)
DAMAGE(no_maps, p->map_count = 1)
/* order, coupling */
DAMAGE(read_before_written, p->touches[6].tensor = 4)
DAMAGE(written_before, p->touches[9].tensor = 1)
DAMAGE(coupled, p->steps[1].coupled = true)
DAMAGE(coupled_pair, p->steps[4].coupled_to = 3)
DAMAGE(uncoupled, p->steps[2].coupled_to = -1)
DAMAGE(coupled_to_another, p->steps[2].coupled_to = 0)
DAMAGE(coupled_to_itself, p->steps[4].coupled_to = 4)
DAMAGE(coupled_to_none, p->steps[4].coupled_to = -2)
/* room and figures */
DAMAGE(larger_rows, p->tensors[0].bytes = 160000)
DAMAGE(larger_pool, p->maps[HAND_POOL].window = 4)
DAMAGE(peak, plan->groups[2].peak_bytes--)
DAMAGE(activations, plan->traffic.activation_read -= 160)
DAMAGE(weights, plan->traffic.weight_read = 58)
DAMAGE(bytes_out_of_range, p->tensors[0].bytes = INT64_MAX)
DAMAGE(parameters_out_of_range, (p->steps[0].weight_bytes = p->steps[1].weight_bytes = INT64_MAX))
DAMAGE(rows_out_of_range, p->tensors[0].rows = INT64_C(1) << 31)
DAMAGE(step_rows_out_of_range, (p->touch_count = p->steps[5].touch_begin,
                                p->steps[5].write_begin = p->steps[5].touch_end = p->touch_count,
                                p->steps[5].rows = INT64_MAX))
DAMAGE(endless, (p->tensors[0].rows = plan->groups[0].strips = INT32_MAX,
                 plan->groups[0].iterations = INT64_C(3) * INT32_MAX))

static const corruption corruptions[] = {
    {strip_training, seven_strips,
     "group 0 (steps 0 to 1): 7 strips of a sample, expected 1, or the 16 rows of its tallest "
     "tensor or what halving them, rounded up, comes to [strips]"},
    {strip_training, too_many_strips, "32 strips of a sample, expected 1, or the 16 rows"},
    {strip_training, no_strips, "0 strips of a sample, expected 1"},
    {strip_training, negative_strips, "-8 strips of a sample, expected 1"},
    {strip_training, one_strip, "24 iterations, expected 1 to 3, the mini-batch [iterations]"},
    {strip_training, iterations_of_fewer_samples,
     "group 0 (steps 0 to 1): 16 iterations and a sub-batch of 1 samples, expected 24 and 1: 8 "
     "strips of each of 3 samples [iterations]"},
    {strip_training, sub_batch_of_two, "12 iterations and a sub-batch of 2 samples, expected 12"},
    {strip_training, no_rows,
     "group 0 (steps 0 to 1): 8 strips of a sample, but the rows of its steps are not known"},
    {strip_training, other_strips, "group 0 (steps 0 to 1): peak_bytes is 60, the replay measured"},
    {strip_training, row_goes_early,
     "step 1 \"c\" (group 0): finds tensor 1 \"x\" no longer in the buffer, where a strip group "
     "keeps it from step 0 on [residency]"},
    {strip_inference, statistics_leave,
     "step 3 \"r\" (group 1): finds tensor 3 \"n\" no longer in the buffer"},
    {strip_training, leaves_the_group,
     "step 1 \"c\" (group 0): leaves tensor 1 \"x\" in the buffer for a later step, but none of "
     "its "
     "group touches it [residency]"},
    {strip_training, leaves_the_group,
     "step 3 \"c.wgrad\" (group 2): expects tensor 1 \"x\" in the buffer, where no group before "
     "leaves it [buffer-use]"},
    {strip_training, staged,
     "step 0 \"b\" (group 0): is staged, expected streamed: its parameters take 20 bytes, the rows "
     "of operands of its own in a strip 30 [mode]"},
    {strip_training, streamed,
     "step 5 \"b.wgrad\" (group 2): is streamed, expected staged: its parameters take 40 bytes, "
     "the "
     "rows of operands of its own in a strip 40 [mode]"},
    {strip_training, in_passes, "step 4 \"c.dgrad\" (group 2): runs in passes in a group of 3"},
    {strip_training, passes_of_two, "its group's operands are read 2 times, expected 1"},
    {strip_training, pins_too_much, "41 of its 40 of accumulators [pinned]"},
    {strip_training, no_rows_of_tensor,
     "step 0 \"b\": tensor 0 \"y\" has 0 rows, expected at least 1 [rows]"},
    {strip_training, no_rows_of_step, "step 2 \"loss\": works on 0 rows, expected at least 1"},
    {strip_training, more_rows_of_step,
     "step 4 \"c.dgrad\": works on 9 rows, expected 8, the most of what it writes [rows]"},
    {strip_inference, other_rows_of_statistics,
     "step 1 \"n.stat\": works on 1 rows, but nothing that it reads has as many [rows]"},
    {strip_inference, other_rows_of_sum, "step 5 \"g\": works on 1 rows, but nothing that it"},
    {strip_training, window_of_five,
     "step 0 \"b\": reads tensor 0 \"y\" by a map window of window 5 and stride 2, but convolves "
     "with 3 rows, dilated by 1, and stride 2 [rows]"},
    {strip_training, stride_of_one, "by a map window of window 3 and stride 1, but convolves"},
    {strip_training, same_for_a_window, "step 1 \"c\": reads tensor 1 \"x\" by a map same"},
    {strip_inference, same_for_the_whole,
     "step 2 \"n\": reads tensor 2 \"n.statistics\" of 1 rows row by row, but works on 8 [rows]"},
    {strip_training, same_for_a_loss,
     "step 2 \"loss\": reads tensor 2 \"c\" by a map same, which no \"loss\" step has [rows]"},
    {strip_training, transposed_forward, "by a map transposed, which no \"conv\" step has [rows]"},
    {strip_training, window_backward, "by a map window, which no \"conv.dgrad\" step has [rows]"},
    {strip_inference, window_of_a_relu, "by a map window, which no \"relu\" step has [rows]"},
    {strip_inference, shifted_statistics,
     "step 2 \"n\": reads tensor 2 \"n.statistics\" by a map shifted, which no \"norm\" step has"},
    {strip_inference, scaled_norm, "by a map scaled, which no \"norm\" step has [rows]"},
    {strip_inference, scaled_back_norm, "by a map transposed scaled, which no \"norm\" step has"},
    {strip_training, product_of_rows,
     "step 3 \"c.wgrad\": multiplies activations row by row, with neither operand whole [rows]"},
    {strip_training, no_such_map, "step 0 \"b\": reads tensor 0 \"y\" by row map 6 of 6 [rows]"},
    {strip_training, negative_map, "reads tensor 0 \"y\" by row map -1 of 6 [rows]"},
    {strip_training, written_by_map, "writes tensor 1 \"x\" by row map 1 of 6 [rows]"},
    {strip_training, unknown_kind, "row map 5 is of kind 9 with window 2, stride 2 and pad 0"},
    {strip_training, window_of_none, "row map 5 is of kind 1 with window 0, stride 2 and pad 0"},
    {strip_training, no_first_maps, "the first two of the program's 6 row maps are not same and"},
    {strip_training, no_maps, "the first two of the program's 1 row maps are not same and whole"},
    {strip_training, read_before_written,
     "step 3 \"c.wgrad\" (group 2): reads 3 samples of tensor 4 \"gx\" from DRAM, which holds 0 of "
     "them [dram-read]"},
    {strip_training, read_before_written,
     "step 4 \"c.dgrad\" (group 2): writes tensor 4 \"gx\", which was read before [written-once]"},
    {strip_training, written_before,
     "step 4 \"c.dgrad\" (group 2): writes tensor 1 \"x\", which was written before"},
    {strip_training, coupled,
     "step 1 \"c\" (group 0): couples the samples of the mini-batch, but its group has 24 "
     "iterations, expected 1 [coupled]"},
    {strip_training, coupled_pair,
     "step 4 \"c.dgrad\" (group 2): applies statistics of the mini-batch that step 3 \"c.wgrad\" "
     "makes, but their group has 12 iterations, expected 1 [coupled]"},
    {strip_batch_norm, uncoupled,
     "step 2 \"n\": reads statistics of the mini-batch that step 1 makes, but is coupled to step "
     "-1 "
     "(-1: none) [program]"},
    {strip_batch_norm, coupled_to_another, "that step 1 makes, but is coupled to step 0"},
    {strip_training, coupled_to_itself, "do not fit together [program]"},
    {strip_training, coupled_to_none, "do not fit together [program]"},
    {strip_training, larger_rows,
     "step 0 \"b\" (group 0): buffer holds 10050 bytes, 4096 available [capacity]"},
    {strip_inference, larger_pool, "group 1 (steps 2 to 5): peak_bytes is 100, the replay"},
    {strip_training, peak,
     "group 2 (steps 3 to 5): peak_bytes is 124, the replay measured 125 [peak]"},
    {strip_training, activations, "activation_read is 1280 bytes, the replay moved 1440 [traffic]"},
    {strip_inference, weights, "weight_read is 58 bytes, the replay moved 116 [traffic]"},
    {strip_training, bytes_out_of_range,
     "group 0 (steps 0 to 1): the bytes moved or held exceed 64 bits [range]"},
    {strip_training, parameters_out_of_range, "the bytes moved or held exceed 64 bits [range]"},
    {strip_training, rows_out_of_range,
     "8 strips of a sample, but steps or tensors have more than 2147483647 rows [range]"},
    {strip_training, step_rows_out_of_range,
     "steps or tensors have more than 2147483647 rows [range]"},
    {strip_training, endless, "expected at most 4000000000 [work]"},
};

START_TEST(finds_corruption)
{
    const corruption *c = &corruptions[_i];
    mbs_plan *plan = c->make();
    c->damage(plan);
    expect_fault(plan, c->message);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verify strips");
    TCase *tests = tcase_create("verify strips");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, rows_needed_are_those_of_the_op);
    tcase_add_test(tests, rows_needed_by_upsampling);
    tcase_add_test(tests, rows_needed_far_out);
    tcase_add_loop_test(tests, counts_by_hand, 0, 2);
    tcase_add_test(tests, accepts_coupled_steps_apart);
    tcase_add_test(tests, statistics_are_complete_before_they_are_applied);
    tcase_add_test(tests, accepts_split_norms_in_whole_samples);
    tcase_add_loop_test(tests, finds_corruption, 0, sizeof corruptions / sizeof corruptions[0]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
