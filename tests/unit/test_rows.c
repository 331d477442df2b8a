/*
 * src/program: the row maps of steps (model, section 11) against what their ops do, for all small
 * sizes: which rows of an input a row of the output is made of, and for gradients the other way
 * round.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "program/rows.h"
#include "program_listing.h"
#include "run.h"

/* One op along the height. */
typedef struct sliding {
    int64_t kernel;
    int64_t stride;
    int64_t pad;   /* above */
    int64_t below; /* or more rows of the output (conv_transpose) */
    int64_t dilation;
    int64_t rows; /* of the input */
} sliding;

/* Whether row `out` of the output has something of row `in` of the input. */
typedef bool uses_row(const sliding *s, int64_t out, int64_t in, int64_t out_rows);

static bool window_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    (void)out_rows;
    for (int64_t tap = 0; tap < s->kernel; tap++)
        if (in == out * s->stride - s->pad + tap * s->dilation)
            return true;
    return false;
}

static bool spread_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    return window_uses(s, in, out, out_rows);
}

/* What a conv_transpose with a bias learns from: of dY, also rows that lie in no window. */
static bool summed_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    int64_t last = 0; /* of the windows that begin above `out` or there */
    for (int64_t at = 0; at < s->rows; at++) {
        if (spread_uses(s, out, at, out_rows))
            return spread_uses(s, out, in, out_rows);
        last = at * s->stride - s->pad <= out ? at : last;
    }
    return in == last;
}

static bool shift_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    (void)out_rows;
    return out == in + s->pad;
}

/* All rows make one. */
static bool sum_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    return out < out_rows && in < s->rows;
}

/* The nearest row, or the two that a bilinear interpolation is between, by either convention. */
static bool scale_uses(const sliding *s, int64_t out, int64_t in, int64_t out_rows)
{
    const double ratio = (double)s->rows / (double)out_rows;
    const double halves = ((double)out + 0.5) * ratio - 0.5;
    const double corners =
        out_rows > 1 ? (double)out * (double)(s->rows - 1) / (double)(out_rows - 1) : 0;
    const double places[] = {halves < 0 ? 0 : halves, corners};
    const int64_t nearest = (int64_t)((double)out * ratio + 1e-9);
    bool used = in == nearest || in == (int64_t)(((double)out + 0.5) * ratio);
    for (int i = 0; i < 2; i++) {
        const int64_t low = (int64_t)places[i];
        used = used || in == low || (in == low + 1 && in < s->rows);
    }
    return used;
}

/* ---- One operand ----------------------------------------------------------------------------- */

static const mbs_step *step_named(const mbs_program *p, const char *name)
{
    for (int32_t k = 0; k < p->step_count; k++)
        if (strcmp(p->steps[k].name, name) == 0)
            return &p->steps[k];
    ck_abort_msg("no step %s", name);
}

static const mbs_touch *read_of(const mbs_program *p, const mbs_step *step, const char *tensor)
{
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (strcmp(p->tensors[p->touches[t].tensor].name, tensor) == 0)
            return &p->touches[t];
    ck_abort_msg("step %s does not read %s", step->name, tensor);
}

/*
 * The map is on the safe side, monotone, and if `exact` no larger than the op's rows call for.
 * `swap`: the step's rows are the input's, the operand's the output's.
 */
static void check_map(const mbs_program *p, const char *step_name, const char *tensor,
                      const sliding *s, uses_row *uses, bool swap, bool exact, int64_t out_rows)
{
    const mbs_step *step = step_named(p, step_name);
    const mbs_touch *touch = read_of(p, step, tensor);
    const mbs_row_map *map = &p->maps[touch->map];
    const int64_t rows = step->rows;
    const int64_t height = p->tensors[touch->tensor].rows;
    ck_assert_int_eq(rows, swap ? s->rows : out_rows);
    ck_assert_int_eq(height, swap ? out_rows : s->rows);
    ck_assert_int_eq(row_map_need(map, 0, rows, height), 0);
    ck_assert_int_eq(row_map_first(map, rows, rows, height), height);
    int64_t need = 0;
    for (int64_t n = 1; n <= rows; n++) {
        for (int64_t r = 0; r < height; r++)
            if (swap ? uses(s, r, n - 1, out_rows) : uses(s, n - 1, r, out_rows))
                need = r + 1 > need ? r + 1 : need;
        const int64_t found = row_map_need(map, n, rows, height);
        ck_assert_msg(found >= need && found <= height && (!exact || need == 0 || found == need),
                      "%s, %s: %" PRId64 " rows need %" PRId64 ", found %" PRId64, step_name,
                      tensor, n, need, found);
        ck_assert_int_ge(found, row_map_need(map, n - 1, rows, height));
    }
    int64_t first = height;
    for (int64_t j = rows - 1; j >= 0; j--) {
        for (int64_t r = height - 1; r >= 0; r--)
            if (swap ? uses(s, r, j, out_rows) : uses(s, j, r, out_rows))
                first = r < first ? r : first;
        const int64_t found = row_map_first(map, j, rows, height);
        ck_assert_msg(found <= first && found >= 0 && (!exact || first == height || found == first),
                      "%s, %s: rows from %" PRId64 " on need those from %" PRId64
                      " on, found %" PRId64,
                      step_name, tensor, j, first, found);
        ck_assert_int_le(found, row_map_first(map, j + 1, rows, height));
    }
}

/* ---- Every op -------------------------------------------------------------------------------- */

typedef struct row_op {
    const char *op;
    uses_row *uses;
    bool padded;   /* has pads */
    bool dilated;  /* and dilations */
    bool strided;  /* and kernels and strides */
    bool inexact;  /* the map is on the safe side */
    bool products; /* has wgrad and dgrad, else bwd */
    bool biased;
} row_op;

static const row_op ops[] = {
    {"conv", window_uses, true, true, true, false, true, false},
    {"conv_transpose", spread_uses, true, true, true, false, true, false},
    {"conv_transpose", spread_uses, true, true, true, false, true, true},
    {"max_pool", window_uses, true, false, true, false, false, false},
    {"avg_pool", window_uses, true, false, true, false, false, false},
    {"pad", shift_uses, true, false, false, false, false, false},
    {"upsample", scale_uses, false, false, false, true, false, false},
    {"global_avg_pool", sum_uses, false, false, false, true, false, false},
};

/* The network x → c → t, or null if its sizes are refused; t's rows into *out_rows. */
static mbs_program *make(const row_op *o, const sliding *s, int64_t *out_rows)
{
    text out = TEXT_INIT;
    char *document;
    mbs_network *network;
    mbs_program *program = NULL;
    mbs_layer_info info;
    const mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    text_format(
        &out,
        "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\","
        "\"shape\":[1,%d,1]}],\"layers\":[{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"]"
        ",\"out_channels\":1,\"kernel\":1},{\"name\":\"t\",\"op\":\"%s\",\"inputs\":"
        "[\"c\"]",
        (int)s->rows, o->op);
    if (o->products)
        text_format(&out, ",\"out_channels\":1,\"dilation\":[%d,1],\"bias\":%s", (int)s->dilation,
                    o->biased ? "true" : "false");
    if (o->strided)
        text_format(&out, ",\"kernel\":[%d,1],\"stride\":[%d,1],\"pad\":[%d,0,%d,0]",
                    (int)s->kernel, (int)s->stride, (int)s->pad,
                    o->uses == spread_uses ? 0 : (int)s->below);
    if (o->strided && !o->products && s->below == 1)
        text_string(&out, ",\"ceil_mode\":true");
    if (o->uses == spread_uses)
        text_format(&out, ",\"output_pad\":[%d,0]", (int)s->below);
    if (o->uses == shift_uses)
        text_format(&out, ",\"before\":[0,%d,0],\"after\":[0,%d,0]", (int)s->pad, (int)s->below);
    if (o->uses == scale_uses)
        text_format(&out, ",\"size\":[%d,1]", (int)s->kernel);
    text_string(&out, "}]}");
    ck_assert_int_eq(text_finish(&out, &document, NULL), MBS_OK);
    mbs_error_clear(&error);
    if (mbs_network_load_text(&network, document, strlen(document), "n", &error) == MBS_OK) {
        must_succeed(mbs_program_create(&program, network, &options, &error), &error, document);
        ck_assert_int_eq(mbs_network_layer(network, 1, &info), MBS_OK);
        *out_rows = info.shape.dim[1];
        mbs_network_free(network);
    }
    mbs_free(document);
    return program;
}

/* Returns whether there is such a layer. */
static int check_layer(const row_op *o, const sliding *s)
{
    int64_t out_rows = 0;
    mbs_program *p = make(o, s, &out_rows);
    if (p == NULL)
        return 0;
    /* taps of a dilated window leave out rows, strides may too: the table's bounds are of the rows
       from a window's first to its last */
    const bool exact = !o->inexact && s->dilation == 1 && s->stride <= s->kernel;
    if (o->uses == sum_uses) { /* its steps have the input's rows */
        check_map(p, "t", "c", s, shift_uses, false, true, s->rows);
    } else {
        check_map(p, "t", "c", s, o->uses, false, exact, out_rows);
        check_map(p, o->products ? "t.dgrad" : "t.bwd", "t.grad@loss", s, o->uses, true, exact,
                  out_rows);
    }
    if (strcmp(o->op, "max_pool") == 0)
        check_map(p, "t.bwd", "t.index", s, o->uses, true, exact, out_rows);
    if (o->uses == window_uses && o->products) /* R is dY's */
        check_map(p, "t.wgrad", "c", s, o->uses, false, exact, out_rows);
    if (o->uses == spread_uses) /* R is x's */
        check_map(p, "t.wgrad", "t.grad@loss", s, o->biased ? summed_uses : o->uses, true,
                  exact && !o->biased, out_rows);
    mbs_program_free(p);
    return 1;
}

START_TEST(maps_do_what_ops_do)
{
    const row_op *o = &ops[_i];
    int checked = 0;
    sliding s;
    for (s.rows = 1; s.rows <= 9; s.rows++)
        for (s.kernel = 1; s.kernel <= (o->strided              ? 4
                                        : o->uses == scale_uses ? 20
                                                                : 1);
             s.kernel++)
            for (s.stride = 1; s.stride <= (o->strided ? 3 : 1); s.stride++)
                for (s.pad = 0; s.pad <= (o->padded ? 2 : 0); s.pad++)
                    for (s.below = 0; s.below <= (o->padded ? 2 : 0); s.below++)
                        for (s.dilation = 1; s.dilation <= (o->dilated ? 2 : 1); s.dilation++)
                            checked += check_layer(o, &s);
    ck_assert_int_gt(checked, 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tests = tcase_create("rows");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, maps_do_what_ops_do, 0, (int)COUNT(ops));
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
