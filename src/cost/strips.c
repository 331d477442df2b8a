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

static bool is_last(const strip_group *group, int32_t t)
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

/* The group's last touch of the tensor of touch t. */
static int32_t last_touch(const strip_group *group, int32_t t)
{
    while (!is_last(group, t))
        t = group->program->touches[t].next;
    return t;
}

static int32_t first_touch(const strip_group *group, int32_t t)
{
    while (!is_first(group, t))
        t = group->program->touches[t].previous;
    return t;
}

static bool is_lone(const strip_group *group, int32_t t)
{
    return is_first(group, t) && is_last(group, t);
}

static strip_extent extent_of(const strip_group *group, int32_t t)
{
    return group->extent[first_touch(group, t) - group->touch_begin];
}

/* ---- What is written over -------------------------------------------------------------------- */

bool strips_may_replace(const mbs_program *p, int32_t t)
{
    const mbs_touch *touch = &p->touches[t];
    const mbs_step *step = &p->steps[touch->step];
    return program_may_replace(p, t) && touch->map == ROW_MAP_SAME &&
           p->tensors[touch->tensor].rows == step->rows && strips_grows(p, step->write_begin);
}

int32_t strips_over(const strip_group *group, int32_t k)
{
    const mbs_step *step = &group->program->steps[k];
    int32_t over = -1;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        if (!strips_may_replace(group->program, t) || !is_last(group, t) ||
            extent_of(group, t).kept > 0)
            continue;
        if (over < 0 || first_touch(group, t) < first_touch(group, over))
            over = t;
    }
    return over;
}

static int32_t over_of(const strip_group *group, int32_t k)
{
    return group->over != NULL ? group->over[k] : -1;
}

/* Of the touch that writes over an operand, or over nothing: whether that, or what is written over
 * it in its turn, is a ring. */
static bool ends_in_ring(const strip_group *group, int32_t t)
{
    const mbs_program *p = group->program;
    while (extent_of(group, t).kept == 0) {
        const int32_t last = last_touch(group, t);
        const int32_t k = p->touches[last].step;
        if (over_of(group, k) != last)
            return false;
        t = p->steps[k].write_begin;
    }
    return true;
}

/* ---- Lone operands --------------------------------------------------------------------------- */

/* Of what step k writes over and what it writes there, one takes no room: whether that of lone
 * touch t does not. */
static bool is_covered(const strip_group *group, int32_t k, int32_t t)
{
    const int32_t over = over_of(group, k);
    return over >= 0 &&
           (t == over || (t == group->program->steps[k].write_begin && !is_lone(group, over)));
}

static lone_bytes lone_operands(const strip_group *group, int32_t k)
{
    const mbs_step *step = &group->program->steps[k];
    lone_bytes lone = {0};
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        if (is_lone(group, t) && !is_covered(group, k, t))
            lone_add(&lone, group->extent[t - group->touch_begin]);
    return lone;
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

bool strips_streams(const strip_group *group, int32_t k)
{
    const lone_bytes lone = lone_operands(group, k);
    return lone_streams(&lone, &group->program->steps[k]);
}

void strips_choose(strip_group group, bool stream, bool in_place, mbs_mode *mode, int32_t *over)
{
    const mbs_step *steps = group.program->steps;
    group.over = over;
    for (int32_t k = group.first; k < group.end; k++) {
        over[k] = in_place ? strips_over(&group, k) : -1;
        mode[k] = stream && strips_streams(&group, k) ? MBS_STREAMED : MBS_STAGED;
        if (mode[k] == MBS_STREAMED && over[k] >= 0 &&
            (is_lone(&group, over[k]) || is_lone(&group, steps[k].write_begin)))
            over[k] = -1; /* one of the two passes by */
    }
}

/* ---- Footprints ------------------------------------------------------------------------------ */

/* Adds to the changes from step to step: `bytes` from step k to step `last`. */
static void add_between(const strip_group *group, int64_t *change, int32_t k, int32_t last,
                        int64_t bytes)
{
    change[k - group->first] += bytes;
    if (last + 1 < group->end)
        change[last + 1 - group->first] -= bytes;
}

strip_place strips_place(const strip_group *group, int32_t t, bool streamed)
{
    const mbs_program *p = group->program;
    const strip_extent extent = group->extent[t - group->touch_begin];
    const int32_t last = last_touch(group, t);
    const int32_t k = p->touches[last].step; /* the last step that touches it */
    strip_place place = {extent.size, extent.kept > 0, p->touches[t].step, k};
    if (last == t) {
        place.bytes = is_covered(group, k, t) ? 0 : streamed ? extent.kept : extent.size;
    } else if (over_of(group, k) == last) {
        const int32_t written = p->steps[k].write_begin;
        place.bytes = ends_in_ring(group, written) ? 0 : extent.size;
        place.last -= !is_lone(group, written); /* then what is written has the room */
    }
    return place;
}

int64_t strips_footprints(const strip_group *group, const mbs_mode *mode, bool stream,
                          int64_t *bytes)
{
    const mbs_step *steps = group->program->steps;
    int64_t rings = 0;
    memset(bytes, 0, (size_t)(group->end - group->first) * sizeof *bytes);
    for (int32_t k = group->first; k < group->end; k++) {
        const bool streams =
            mode != NULL ? mode[k] == MBS_STREAMED : stream && strips_streams(group, k);
        for (int32_t t = steps[k].touch_begin; t < steps[k].touch_end; t++) {
            if (!is_first(group, t))
                continue;
            const strip_place place = strips_place(group, t, streams);
            rings += place.is_ring ? place.bytes : 0;
            if (!place.is_ring)
                add_between(group, bytes, k, place.last, place.bytes);
        }
        add_between(group, bytes, k, k, streams ? step_parameter_bytes(&steps[k]) : 0);
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
