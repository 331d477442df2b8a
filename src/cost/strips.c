#include "cost/strips.h"

#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"

row_link row_link_of(const mbs_program *program, int32_t t)
{
    const mbs_touch *touch = &program->touches[t];
    return (row_link){&program->maps[touch->map], program->steps[touch->step].rows,
                      program->tensors[touch->tensor].rows};
}

bool strips_grows(const mbs_program *program, int32_t t)
{
    const mbs_touch *touch = &program->touches[t];
    return program->tensors[touch->tensor].rows == program->steps[touch->step].rows;
}

void strips_spread(int32_t *rows, int32_t strips, int64_t step_rows)
{
    for (int32_t i = 0; i < strips; i++)
        rows[i] = (int32_t)ceil_div((i + 1) * step_rows, strips);
}

void strips_need(int32_t *needed, int32_t strips, const row_link *link, const int32_t *done)
{
    for (int32_t i = 0; i < strips; i++) {
        const int32_t rows =
            (int32_t)row_map_need(link->map, done[i], link->step_rows, link->tensor_rows);
        if (rows > needed[i])
            needed[i] = rows;
    }
}

void strips_use(int32_t *used, int32_t strips, const row_link *link, const int32_t *done)
{
    for (int32_t i = 0; i < strips; i++) {
        const int32_t row = (int32_t)row_map_first(link->map, i > 0 ? done[i - 1] : 0,
                                                   link->step_rows, link->tensor_rows);
        if (row < used[i])
            used[i] = row;
    }
}

void strips_demand(int32_t *done, int32_t strips, const mbs_program *program, int32_t t,
                   const int32_t *needed)
{
    const bool grows = strips_grows(program, t);
    const int32_t all = (int32_t)program->steps[program->touches[t].step].rows;
    for (int32_t i = 0; i < strips; i++) {
        const int32_t rows = grows || needed[i] == 0 ? needed[i] : all;
        if (rows > done[i])
            done[i] = rows;
    }
}

int64_t strips_row_bytes(const mbs_tensor *tensor, int64_t n)
{
    const int64_t each = tensor->bytes / tensor->rows;
    return n * each + ceil_div(n * (tensor->bytes % tensor->rows), tensor->rows);
}

strip_rows strips_rows(int32_t strips, const int32_t *there, const int32_t *used)
{
    strip_rows most = {0};
    int32_t before = 0; /* rows there after the strip before */
    for (int32_t i = 0; i < strips; i++) {
        const int32_t lowest = used == NULL || used[i] > before ? before : used[i];
        if (there[i] - lowest > most.held)
            most.held = there[i] - lowest;
        if (before - lowest > most.kept)
            most.kept = before - lowest;
        before = there[i];
    }
    return most;
}

strip_extent strips_bytes(const mbs_tensor *tensor, strip_rows rows)
{
    return (strip_extent){strips_row_bytes(tensor, rows.held), strips_row_bytes(tensor, rows.kept)};
}

/* Whether touch t, the tensor's first in the group, is also its last. */
static bool is_lone(const strip_group *group, int32_t t)
{
    const mbs_program *p = group->program;
    const int32_t next = p->touches[t].next;
    return next < 0 || p->touches[next].step >= group->end;
}

static bool is_first(const strip_group *group, int32_t t)
{
    const mbs_program *p = group->program;
    const int32_t previous = p->touches[t].previous;
    return previous < 0 || p->touches[previous].step < group->first;
}

bool lone_streams(const lone_bytes *lone, const mbs_step *step)
{
    return step_parameter_bytes(step) < lone->rings + lone->blocks - lone->kept;
}

lone_room lone_take(const lone_bytes *lone, const mbs_step *step, bool streamed)
{
    return streamed ? (lone_room){lone->kept, step_parameter_bytes(step)}
                    : (lone_room){lone->rings, lone->blocks};
}

static lone_bytes lone_operands(const strip_group *group, const mbs_step *step)
{
    lone_bytes lone = {0};
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (!is_first(group, t) || !is_lone(group, t))
            continue;
        lone_add(&lone, group->extent[t - group->touch_begin]);
    }
    return lone;
}

bool strips_streams(const strip_group *group, int32_t k)
{
    const mbs_step *step = &group->program->steps[k];
    const lone_bytes lone = lone_operands(group, step);
    return lone_streams(&lone, step);
}

/* Adds to the changes from step to step: `bytes` from step k to step `last`. */
static void add_between(const strip_group *group, int64_t *change, int32_t k, int32_t last,
                        int64_t bytes)
{
    change[k - group->first] += bytes;
    if (last + 1 < group->end)
        change[last + 1 - group->first] -= bytes;
}

/* The group's last step that touches the tensor of touch t. */
static int32_t last_step(const strip_group *group, int32_t t)
{
    const mbs_touch *touches = group->program->touches;
    while (touches[t].next >= 0 && touches[touches[t].next].step < group->end)
        t = touches[t].next;
    return touches[t].step;
}

/* Adds the blocks that begin at step k to `change`; returns its rings. */
static int64_t add_shared(const strip_group *group, int32_t k, int64_t *change)
{
    const mbs_step *step = &group->program->steps[k];
    int64_t rings = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        if (!is_first(group, t) || is_lone(group, t))
            continue;
        const strip_extent extent = group->extent[t - group->touch_begin];
        if (extent.kept > 0)
            rings += extent.size;
        else
            add_between(group, change, k, last_step(group, t), extent.size);
    }
    return rings;
}

int64_t strips_footprints(const strip_group *group, const mbs_mode *mode, bool stream,
                          int64_t *bytes)
{
    const mbs_step *steps = group->program->steps;
    int64_t rings = 0;
    memset(bytes, 0, (size_t)(group->end - group->first) * sizeof *bytes);
    for (int32_t k = group->first; k < group->end; k++) {
        const lone_bytes lone = lone_operands(group, &steps[k]);
        const bool streams =
            mode != NULL ? mode[k] == MBS_STREAMED : stream && lone_streams(&lone, &steps[k]);
        const lone_room room = lone_take(&lone, &steps[k], streams);
        rings += add_shared(group, k, bytes) + room.rings;
        add_between(group, bytes, k, k, room.own);
    }
    int64_t blocks = 0;
    int64_t largest = 0;
    for (int32_t i = 0; i < group->end - group->first; i++) {
        blocks += bytes[i];
        bytes[i] = rings + blocks;
        largest = max_i64(largest, bytes[i]);
    }
    return largest;
}

int64_t strips_tallest(const mbs_program *p, int32_t first, int32_t end)
{
    int64_t rows = 0;
    for (int32_t t = p->steps[first].touch_begin; t < p->steps[end - 1].touch_end; t++)
        rows = max_i64(rows, p->tensors[p->touches[t].tensor].rows);
    return rows;
}

int64_t strips_above(int64_t height, int64_t strips)
{
    int64_t above = height;
    while (ceil_div(above, 2) > strips)
        above = ceil_div(above, 2);
    return above > strips && above <= MBS_MAX_STRIPS ? above : 0;
}

int64_t strips_below(int64_t height, int64_t strips)
{
    int64_t below = height;
    while (below >= strips)
        below = ceil_div(below, 2);
    return below;
}
