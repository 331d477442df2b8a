/* The rows of steps and operands (model, section 11), from what the maps stand for. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/text.h"
#include "verify/replay.h"

/* Sizes of windows, strides and pads that sums of a few of them cannot take out of 64 bits. */
#define MAX_MAP_FIGURE (INT64_C(1) << 53)

/* ---- Which rows ------------------------------------------------------------------------------ */

static int64_t within(int64_t row, int64_t height)
{
    return row < 0 ? 0 : row > height ? height : row;
}

/* The rows [lo, hi) as far as the tensor has them. */
static row_range cut(int64_t lo, int64_t hi, int64_t height)
{
    return (row_range){within(lo, height), within(hi, height)};
}

/* For any numerator and a positive denominator. */
static int64_t round_down(int64_t numerator, int64_t denominator)
{
    const int64_t quotient = numerator / denominator;
    return numerator % denominator < 0 ? quotient - 1 : quotient;
}

static row_range under_window(const mbs_row_map *map, int64_t height, int64_t row)
{
    int64_t begin;
    if (!checked_mul(row, map->stride, &begin))
        return (row_range){height, height};
    if (!checked_add(begin, -map->pad, &begin) || begin >= height)
        return (row_range){height, height};
    return cut(begin, begin + map->window, height);
}

/* The rows whose windows, `window` long and beginning at row·stride - pad, lie over `row`. */
static row_range over_row(const mbs_row_map *map, int64_t height, int64_t row)
{
    const int64_t last = round_down(row + map->pad, map->stride);
    const int64_t before_first = round_down(row + map->pad - map->window, map->stride);
    return cut(before_first + 1, last + 1, height);
}

row_range rows_needed(const mbs_row_map *map, int64_t rows, int64_t height, int64_t row)
{
    switch (map->kind) {
    case ROWS_SAME:
        return cut(row, row + 1, height);
    case ROWS_WINDOW:
        return under_window(map, height, row);
    case ROWS_TRANSPOSED:
        return over_row(map, height, row);
    case ROWS_SHIFTED:
        return cut(row - map->pad, row - map->pad + 1, height);
    case ROWS_SCALED: /* its place in the smaller or larger tensor, and a neighbour on each side */
        return cut(row * height / rows - 1, (row + 1) * height / rows + 2, height);
    case ROWS_TRANSPOSED_SCALED: /* rows that have it among theirs */
        return cut(ceil_div(max_i64(row - 1, 0) * height, rows) - 1,
                   ceil_div((row + 2) * height, rows), height);
    case ROWS_WHOLE:
    case ROW_MAP_KIND_COUNT:
        break;
    }
    return (row_range){0, height};
}

/* ---- Whether they can be so ------------------------------------------------------------------ */

static const char *const map_names[] = {
    [ROWS_SAME] = "same",
    [ROWS_WINDOW] = "window",
    [ROWS_TRANSPOSED] = "transposed",
    [ROWS_SHIFTED] = "shifted",
    [ROWS_SCALED] = "scaled",
    [ROWS_TRANSPOSED_SCALED] = "transposed scaled",
    [ROWS_WHOLE] = "whole",
    [ROW_MAP_KIND_COUNT] = "unknown",
};

static bool is_map(const mbs_row_map *map)
{
    return (unsigned)map->kind < ROW_MAP_KIND_COUNT && map->window >= 0 &&
           map->window <= MAX_MAP_FIGURE && map->stride >= 0 && map->stride <= MAX_MAP_FIGURE &&
           map->pad >= -MAX_MAP_FIGURE && map->pad <= MAX_MAP_FIGURE &&
           ((map->kind != ROWS_WINDOW && map->kind != ROWS_TRANSPOSED) ||
            (map->window > 0 && map->stride > 0));
}

static void check_maps(replay *r)
{
    const mbs_program *p = r->program;
    if (p->map_count <= ROW_MAP_WHOLE || p->maps[ROW_MAP_SAME].kind != ROWS_SAME ||
        p->maps[ROW_MAP_WHOLE].kind != ROWS_WHOLE) {
        plan_fault(r, RULE_ROWS,
                   "the first two of the program's %d row maps are not same and whole",
                   p->map_count);
        r->broken = true;
        return;
    }
    for (int32_t i = 0; i < p->map_count; i++) {
        const mbs_row_map *map = &p->maps[i];
        if (is_map(map))
            continue;
        plan_fault(r, RULE_ROWS,
                   "row map %d is of kind %d with window %" PRId64 ", stride %" PRId64
                   " and pad %" PRId64 ": there is none such",
                   i, (int)map->kind, map->window, map->stride, map->pad);
        r->broken = true;
    }
}

/* Steps that go by the rows of something they read. */
static bool goes_by_input(const mbs_step *step)
{
    return ends_with(step->kind, ".stat") || ends_with(step->kind, ".wgrad") ||
           strcmp(step->kind, "global_avg_pool") == 0;
}

static int64_t most_rows(const mbs_program *p, int32_t begin, int32_t end)
{
    int64_t rows = 0;
    for (int32_t t = begin; t < end; t++)
        rows = max_i64(rows, p->tensors[p->touches[t].tensor].rows);
    return rows;
}

static void check_step_rows(replay *r, int32_t k)
{
    const mbs_program *p = r->program;
    const mbs_step *step = &p->steps[k];
    const bool writes = step->touch_end > step->write_begin;
    if (step->rows < 1) {
        step_fault(r, RULE_ROWS, k, "works on %" PRId64 " rows, expected at least 1", step->rows);
    } else if (goes_by_input(step)) {
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (p->tensors[p->touches[t].tensor].rows == step->rows)
                return;
        step_fault(r, RULE_ROWS, k,
                   "works on %" PRId64 " rows, but nothing that it reads has as many", step->rows);
    } else if (step->touch_end > step->touch_begin) {
        const int64_t rows = writes ? most_rows(p, step->write_begin, step->touch_end)
                                    : most_rows(p, step->touch_begin, step->write_begin);
        if (step->rows != rows)
            step_fault(r, RULE_ROWS, k,
                       "works on %" PRId64 " rows, expected %" PRId64 ", the most of what it %s",
                       step->rows, rows, writes ? "writes" : "reads");
    }
}

/* Whether the step's kind is the op's, with or without the ending of what it does. */
static bool is_of(const mbs_step *step, const char *op)
{
    const size_t length = strlen(op);
    return strncmp(step->kind, op, length) == 0 &&
           (step->kind[length] == '\0' || step->kind[length] == '.');
}

/* Whether what the step adds its gradient to can be read by such a map: row by row, at best. */
static bool suits_sum(row_map_kind kind)
{
    return kind == ROWS_SAME || kind == ROWS_WHOLE;
}

/* Whether a step of that kind can read an operand by such a map. */
static bool suits_kind(const mbs_step *step, row_map_kind kind)
{
    const bool back = ends_with(step->kind, ".dgrad") || ends_with(step->kind, ".bwd");
    const bool narrows = is_of(step, "conv") || is_of(step, "max_pool") || is_of(step, "avg_pool");
    const bool widens = is_of(step, "conv_transpose");
    const bool sums = ends_with(step->kind, ".wgrad"); /* by its window either way */
    switch (kind) {
    case ROWS_WINDOW:
        return (narrows && !back) || (widens && (back || sums));
    case ROWS_TRANSPOSED:
        return (narrows && back) || (widens && !back && !sums);
    case ROWS_SHIFTED:
        return is_of(step, "pad");
    case ROWS_SCALED:
        return is_of(step, "upsample") && !back;
    case ROWS_TRANSPOSED_SCALED:
        return is_of(step, "upsample") && back;
    case ROWS_SAME:
        return step->rows == 1 || (!is_of(step, "loss") && !ends_with(step->kind, ".bgrad"));
    case ROWS_WHOLE:
        return true;
    case ROW_MAP_KIND_COUNT:
        break;
    }
    return false;
}

/* Whether the map can be that of the step's convolution; whole is on the safe side. */
static bool suits_convolution(const mbs_step *step, const mbs_row_map *map)
{
    const mbs_conv *conv = &step->conv;
    int64_t window;
    if (conv->channels == 0 || map->kind == ROWS_WHOLE)
        return true;
    if (!checked_mul(conv->kernel[0] - 1, conv->dilation[0], &window))
        return false;
    if (map->kind == ROWS_SAME && step->rows == 1) /* one row of one, whatever the window */
        return true;
    if (map->kind == ROWS_SAME)
        return ends_with(step->kind, ".wgrad") || (window == 0 && conv->stride[0] == 1);
    return map->window == window + 1 && map->stride == conv->stride[0];
}

/* A row of a product of activations needs one operand whole. */
static void check_product_rows(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    if (step->rows == 1 || !is_of(step, "matmul"))
        return;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        if (r->program->touches[t].map == ROW_MAP_WHOLE && !program_is_running(r->program, t))
            return;
    step_fault(r, RULE_ROWS, k, "multiplies activations row by row, with neither operand whole");
}

static void check_operand_rows(replay *r, int32_t k, int32_t t)
{
    const mbs_program *p = r->program;
    const mbs_step *step = &p->steps[k];
    const mbs_touch *touch = &p->touches[t];
    const mbs_tensor *tensor = &p->tensors[touch->tensor];
    const quoted_text name = tensor_name(r, touch->tensor);
    if (tensor->rows < 1) {
        step_fault(r, RULE_ROWS, k, "tensor %d %s has %" PRId64 " rows, expected at least 1",
                   touch->tensor, name.text, tensor->rows);
        return;
    }
    if (touch->map < 0 || touch->map >= p->map_count ||
        (t >= step->write_begin && touch->map != ROW_MAP_SAME)) {
        step_fault(r, RULE_ROWS, k, "%s tensor %d %s by row map %d of %d",
                   t < step->write_begin ? "reads" : "writes", touch->tensor, name.text, touch->map,
                   p->map_count);
        return;
    }
    if (t >= step->write_begin)
        return;
    const mbs_row_map *map = &p->maps[touch->map];
    const bool is_running = program_is_running(p, t);
    if (map->kind == ROWS_SAME && tensor->rows != step->rows)
        step_fault(r, RULE_ROWS, k,
                   "reads tensor %d %s of %" PRId64 " rows row by row, but works on %" PRId64,
                   touch->tensor, name.text, tensor->rows, step->rows);
    else if (is_running ? !suits_sum(map->kind) : !suits_kind(step, map->kind))
        step_fault(r, RULE_ROWS, k, "reads tensor %d %s by a map %s, which no %s step has",
                   touch->tensor, name.text, map_names[map->kind], quoted(step->kind).text);
    else if (!is_running && !suits_convolution(step, map))
        step_fault(r, RULE_ROWS, k,
                   "reads tensor %d %s by a map %s of window %" PRId64 " and stride %" PRId64
                   ", but convolves with %" PRId64 " rows, dilated by %" PRId64
                   ", and stride %" PRId64,
                   touch->tensor, name.text, map_names[map->kind], map->window, map->stride,
                   step->conv.kernel[0], step->conv.dilation[0], step->conv.stride[0]);
}

void check_rows(replay *r)
{
    const mbs_program *p = r->program;
    check_maps(r);
    if (r->broken)
        return;
    const size_t before = r->faults;
    for (int32_t k = 0; k < p->step_count; k++) {
        check_step_rows(r, k);
        check_product_rows(r, k);
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++)
            check_operand_rows(r, k, t);
    }
    r->broken = r->faults > before;
}
