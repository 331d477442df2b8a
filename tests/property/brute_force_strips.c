#include "brute_force_strips.h"

#include <stdlib.h>

#include "program/rows.h"

/*
 * Written from the model's text alone: it calls nothing of cost/ or plan/. Every quantity is a
 * function of the text's own arguments and computed anew wherever it is asked for.
 */
typedef struct strips {
    const mbs_program *p;
    int32_t first;
    int32_t end;
    int64_t count;     /* T */
    int64_t *progress; /* P_k(i) at [(k - first) · T + i] */
} strips;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ceil_ratio(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static bool in_group(const strips *s, int32_t touch)
{
    const int32_t k = s->p->touches[touch].step;
    return k >= s->first && k < s->end;
}

static bool is_read(const mbs_program *p, int32_t touch)
{
    return touch < p->steps[p->touches[touch].step].write_begin;
}

static int64_t progress(const strips *s, int32_t k, int64_t i)
{
    return i < 0 ? 0 : s->progress[(k - s->first) * s->count + i];
}

static int64_t need_of(const strips *s, int32_t touch, int64_t i)
{
    const mbs_touch *at = &s->p->touches[touch];
    return row_map_need(&s->p->maps[at->map], progress(s, at->step, i), s->p->steps[at->step].rows,
                        s->p->tensors[at->tensor].rows);
}

static int64_t first_of(const strips *s, int32_t touch, int64_t i)
{
    const mbs_touch *at = &s->p->touches[touch];
    return row_map_first(&s->p->maps[at->map], progress(s, at->step, i), s->p->steps[at->step].rows,
                         s->p->tensors[at->tensor].rows);
}

/* The most that the group's readers of the tensor after step k need; -1: it has none. */
static int64_t demand(const strips *s, int32_t tensor, int32_t k, int64_t i)
{
    int64_t most = -1;
    for (int32_t t = 0; t < s->p->touch_count; t++)
        if (s->p->touches[t].tensor == tensor && in_group(s, t) && is_read(s->p, t) &&
            s->p->touches[t].step > k)
            most = larger(most, need_of(s, t, i));
    return most;
}

static void find_progress(strips *s)
{
    for (int32_t k = s->end - 1; k >= s->first; k--) {
        const mbs_step *step = &s->p->steps[k];
        for (int64_t i = 0; i < s->count; i++) {
            int64_t most = -1;
            for (int32_t t = step->write_begin; t < step->touch_end; t++) {
                const int32_t tensor = s->p->touches[t].tensor;
                int64_t rows = demand(s, tensor, k, i);
                if (s->p->tensors[tensor].rows != step->rows && rows > 0)
                    rows = step->rows;
                most = larger(most, rows);
            }
            if (most < 0)
                most = ceil_ratio((i + 1) * step->rows, s->count);
            s->progress[(k - s->first) * s->count + i] = i == s->count - 1 ? step->rows : most;
        }
    }
}

/* Whether a step of the group writes the tensor; its touch. */
static int32_t written_at(const strips *s, int32_t tensor)
{
    for (int32_t t = 0; t < s->p->touch_count; t++)
        if (s->p->touches[t].tensor == tensor && in_group(s, t) && !is_read(s->p, t))
            return t;
    return -1;
}

/* N_t(i) */
static int64_t rows_there(const strips *s, int32_t tensor, int64_t i)
{
    const int32_t written = written_at(s, tensor);
    if (i < 0)
        return 0;
    if (written >= 0)
        return progress(s, s->p->touches[written].step, i);
    return i == s->count - 1 ? s->p->tensors[tensor].rows : demand(s, tensor, -1, i);
}

/* lo_t(i) */
static int64_t first_used(const strips *s, int32_t tensor, int64_t i)
{
    int64_t least = rows_there(s, tensor, i - 1);
    for (int32_t t = 0; t < s->p->touch_count; t++)
        if (s->p->touches[t].tensor == tensor && in_group(s, t) && is_read(s->p, t))
            least = smaller(least, first_of(s, t, i - 1));
    return least;
}

typedef struct extent {
    int64_t size;
    int64_t kept;
} extent;

static extent extent_of(const strips *s, int32_t tensor)
{
    const int64_t bytes = s->p->tensors[tensor].bytes;
    const int64_t rows = s->p->tensors[tensor].rows;
    const int32_t written = written_at(s, tensor);
    int64_t n = 0;
    int64_t m = 0;
    if (written >= 0 && s->p->steps[s->p->touches[written].step].rows != rows)
        return (extent){bytes, bytes};
    for (int64_t i = 0; i < s->count; i++) {
        n = larger(n, rows_there(s, tensor, i) - first_used(s, tensor, i));
        if (i > 0)
            m = larger(m, rows_there(s, tensor, i - 1) - first_used(s, tensor, i));
    }
    return (extent){ceil_ratio(n * bytes, rows), ceil_ratio(m * bytes, rows)};
}

/* The first and the last step of the group that touch the tensor; -1: none. */
static int32_t first_touch(const strips *s, int32_t tensor)
{
    for (int32_t t = 0; t < s->p->touch_count; t++)
        if (s->p->touches[t].tensor == tensor && in_group(s, t))
            return s->p->touches[t].step;
    return -1;
}

static int32_t last_touch(const strips *s, int32_t tensor)
{
    int32_t last = -1;
    for (int32_t t = 0; t < s->p->touch_count; t++)
        if (s->p->touches[t].tensor == tensor && in_group(s, t))
            last = s->p->touches[t].step;
    return last;
}

static bool is_lone(const strips *s, int32_t tensor)
{
    return first_touch(s, tensor) == last_touch(s, tensor);
}

/* ---- In place -------------------------------------------------------------------------------- */

/* The group's first touch of a tensor, as a touch. */
static int32_t first_of_all(const strips *s, int32_t tensor)
{
    int32_t t = 0;
    while (s->p->touches[t].tensor != tensor || !in_group(s, t))
        t++;
    return t;
}

static bool may_replace(const strips *s, int32_t k, int32_t t)
{
    const mbs_step *step = &s->p->steps[k];
    const mbs_touch *touch = &s->p->touches[t];
    const mbs_tensor *read = &s->p->tensors[touch->tensor];
    const mbs_tensor *written = &s->p->tensors[s->p->touches[step->write_begin].tensor];
    return touch->elementwise && s->p->maps[touch->map].kind == ROWS_SAME &&
           read->rows == step->rows && written->rows == step->rows && read->bytes > 0 &&
           read->bytes == written->bytes && read->elements == written->elements &&
           last_touch(s, touch->tensor) == k && extent_of(s, touch->tensor).kept == 0;
}

/* The tensor that step k writes over: of those that it may the one that came first; -1: none. */
static int32_t find_over(const strips *s, int32_t k)
{
    const mbs_step *step = &s->p->steps[k];
    int32_t found = -1;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t tensor = s->p->touches[t].tensor;
        if (step->write_begin < step->touch_end && may_replace(s, k, t) &&
            (found < 0 || first_of_all(s, tensor) < first_of_all(s, found)))
            found = tensor;
    }
    return found;
}

/* ---- Footprints ------------------------------------------------------------------------------ */

/* What the group does: per step. */
typedef struct doing {
    bool *streamed;
    int32_t *over; /* a tensor, -1: none */
} doing;

static int32_t first_written(const strips *s, int32_t k)
{
    return s->p->touches[s->p->steps[k].write_begin].tensor;
}

/* The bytes of new rows of the operands that step k alone touches; two that are one count once, and
 * not at all if it is not the step's alone. */
static int64_t fresh_bytes(const strips *s, int32_t k, int32_t over)
{
    int64_t fresh = 0;
    for (int32_t tensor = 0; tensor < s->p->tensor_count; tensor++) {
        if (first_touch(s, tensor) != k || last_touch(s, tensor) != k || tensor == over)
            continue;
        if (over >= 0 && tensor == first_written(s, k) && !is_lone(s, over))
            continue;
        fresh += extent_of(s, tensor).size - extent_of(s, tensor).kept;
    }
    return fresh;
}

static void choose(const strips *s, const oracle_task *task, doing *d)
{
    for (int32_t k = s->first; k < s->end; k++) {
        const mbs_step *step = &s->p->steps[k];
        const int32_t over = task->in_place ? find_over(s, k) : -1;
        d->streamed[k] =
            task->stream && step->weight_bytes + step->accumulator_bytes < fresh_bytes(s, k, over);
        d->over[k] = over;
        if (over >= 0 && d->streamed[k] && (is_lone(s, over) || is_lone(s, first_written(s, k))))
            d->over[k] = -1;
    }
}

/* The last of the tensors that are written over each other, beginning with this one. */
static int32_t last_in_place(const strips *s, const doing *d, int32_t tensor)
{
    for (int32_t k; d->over[k = last_touch(s, tensor)] == tensor;)
        tensor = first_written(s, k);
    return tensor;
}

static bool passes(const strips *s, const doing *d, int32_t tensor)
{
    return is_lone(s, tensor) && d->streamed[first_touch(s, tensor)];
}

/* What tensors that end in the place of this one take at step k; -1 as a step: at all steps. */
static int64_t place_bytes(const strips *s, const doing *d, int32_t tensor, int32_t k)
{
    const extent e = extent_of(s, tensor);
    int32_t from = first_touch(s, tensor);
    if (passes(s, d, tensor))
        return k < 0 ? e.kept : 0;
    if (e.kept > 0)
        return k < 0 ? e.size : 0;
    for (int32_t other = 0; other < s->p->tensor_count; other++)
        if (first_touch(s, other) >= 0 && first_touch(s, other) < from &&
            last_in_place(s, d, other) == tensor)
            from = first_touch(s, other);
    return from <= k && k <= last_touch(s, tensor) ? e.size : 0;
}

static int64_t peak_of(const strips *s, const oracle_task *task)
{
    const size_t steps = (size_t)s->p->step_count;
    doing d = {calloc(steps, sizeof *d.streamed), calloc(steps, sizeof *d.over)};
    int64_t largest = 0;
    choose(s, task, &d);
    for (int32_t k = s->first; k < s->end; k++) {
        const mbs_step *step = &s->p->steps[k];
        int64_t bytes = d.streamed[k] ? step->weight_bytes + step->accumulator_bytes : 0;
        for (int32_t tensor = 0; tensor < s->p->tensor_count; tensor++)
            if (first_touch(s, tensor) >= 0 && last_in_place(s, &d, tensor) == tensor)
                bytes += place_bytes(s, &d, tensor, k) + place_bytes(s, &d, tensor, -1);
        largest = larger(largest, bytes);
    }
    free(d.streamed);
    free(d.over);
    return largest;
}

static int64_t tallest(const mbs_program *p, int32_t first, int32_t end)
{
    int64_t rows = 0;
    for (int32_t t = 0; t < p->touch_count; t++)
        if (p->touches[t].step >= first && p->touches[t].step < end)
            rows = larger(rows, p->tensors[p->touches[t].tensor].rows);
    return rows;
}

static int64_t peak_with(const oracle_task *task, int32_t first, int32_t end, int64_t count)
{
    strips s = {task->program, first, end, count, NULL};
    s.progress = calloc((size_t)((end - first) * count), sizeof *s.progress);
    find_progress(&s);
    const int64_t peak = peak_of(&s, task);
    free(s.progress);
    return peak;
}

/* Whether [first, end) may be a strip group. */
static bool is_allowed(const oracle_task *task, int32_t first, int32_t end)
{
    for (int32_t k = first; k < end; k++)
        if (task->program->steps[k].coupled || task->program->steps[k].coupled_to >= first)
            return false;
    for (int32_t to = first + 1; to <= end; to++) {
        const int64_t rows = tallest(task->program, first, to);
        if (rows > 1 && peak_with(task, first, to, rows) > task->buffer_bytes)
            return false;
    }
    return true;
}

int64_t brute_force_strips(const oracle_task *task, int32_t first, int32_t end)
{
    int64_t best = INT64_MAX;
    if (!is_allowed(task, first, end))
        return best;
    const int64_t rows = tallest(task->program, first, end);
    for (int64_t power = 1, count; (count = ceil_ratio(rows, power)) > 1; power *= 2) {
        const int64_t peak = peak_with(task, first, end, count);
        if (peak <= task->buffer_bytes)
            best = smaller(best, oracle_traffic(task, first, end, task->batch * count, peak));
    }
    return best;
}
