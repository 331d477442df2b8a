/* The commands of one strip of a strip group, with what rows they take in each (docs/schedule.md).
 */
#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "emit/schedule_writer.h"

typedef struct strip_writer {
    schedule_writer *w;
    int32_t strips;
    int32_t *rows; /* per strip: what is written next */
    text *steps;   /* per step of the group: its commands, for they are found last to first */
    text loads;    /* of the step at hand */
} strip_writer;

/* ---- Rows strip by strip --------------------------------------------------------------------- */

/* No longer patterns are looked for. */
#define LONGEST_PATTERN 64

/* How often the first `length` of `count` numbers stand at their beginning. */
static int32_t repeats(const int32_t *rows, int32_t count, int32_t length)
{
    int32_t same = length;
    while (same < count && rows[same] == rows[same - length])
        same++;
    return same / length;
}

/* The pattern that saves most; length 1 and one time where none saves anything. */
static int32_t best_pattern(const int32_t *rows, int32_t count, int32_t *times)
{
    int32_t best = 1;
    *times = repeats(rows, count, 1);
    for (int32_t length = 2; length <= LONGEST_PATTERN && 2 * length <= count; length++) {
        const int32_t found = repeats(rows, count, length);
        if ((found - 1) * length > (*times - 1) * best) {
            best = length;
            *times = found;
        }
    }
    return best;
}

static void write_pattern(text *out, const int32_t *rows, int32_t length, int32_t times)
{
    text_string(out, "[");
    text_integer(out, times);
    for (int32_t i = 0; i < length; i++) {
        text_string(out, ",");
        text_integer(out, rows[i]);
    }
    text_string(out, "]");
}

/*
 * Row counts after each strip as `[[TIMES,ROWS,...],...]`: the rows of one strip after the other,
 * each list that often.
 */
static void write_rows(text *out, int32_t *rows, int32_t strips)
{
    for (int32_t i = strips; i-- > 1;)
        rows[i] -= rows[i - 1];
    text_string(out, "[");
    for (int32_t i = 0; i < strips;) {
        int32_t times;
        int32_t length = best_pattern(rows + i, strips - i, &times);
        if (times == 1) { /* up to where one begins */
            int32_t next;
            while (i + length < strips &&
                   (best_pattern(rows + i + length, strips - i - length, &next), next == 1))
                length++;
        }
        text_string(out, i > 0 ? "," : "");
        write_pattern(out, rows + i, length, times);
        i += length * times;
    }
    text_string(out, "]");
}

static void rows_member(const strip_writer *s, const int32_t *after)
{
    for (int32_t i = 0; i < s->strips; i++)
        s->rows[i] = after[i];
    text_string(s->w->text, ",\"rows\":");
    write_rows(s->w->text, s->rows, s->strips);
}

/* ---- Operands -------------------------------------------------------------------------------- */

/* Where the operand's new rows are. */
static int64_t offset_of(const schedule_writer *w, int32_t t)
{
    return layout_passes(w->plan, w->group, t) ? -1 : w->layout->touch[t];
}

static int64_t bytes_of(const schedule_writer *w, int32_t t)
{
    return offset_of(w, t) < 0 ? 0 : w->layout->bytes[t];
}

/* Moves rows of which `after` have come or gone after each strip. */
static void move_rows(const strip_writer *s, const char *name, int32_t t, const int32_t *after)
{
    schedule_writer *w = s->w;
    const mbs_touch *touch = &w->program->touches[t];
    schedule_begin(w, name, touch->step);
    schedule_figure(w, "tensor", touch->tensor);
    rows_member(s, after);
    schedule_figure(w, "bytes", bytes_of(w, t));
    schedule_figure(w, "address", w->dram->tensors[touch->tensor]);
    schedule_offset(w, offset_of(w, t));
    schedule_end(w);
}

/* Of an operand whose rows are not the step's: which ones each strip needs. */
static void needed_rows(const strip_writer *s, int32_t t, const int32_t *done)
{
    const row_link link = row_link_of(s->w->program, t);
    text *out = s->w->text;
    if (s->w->program->touches[t].map == ROW_MAP_SAME)
        return;
    for (int32_t i = 0; i < s->strips; i++)
        s->rows[i] = (int32_t)row_map_first(link.map, i > 0 ? done[i - 1] : 0, link.step_rows,
                                            link.tensor_rows);
    text_string(out, ",");
    write_rows(out, s->rows, s->strips);
    for (int32_t i = 0; i < s->strips; i++)
        s->rows[i] = (int32_t)row_map_need(link.map, done[i], link.step_rows, link.tensor_rows);
    text_string(out, ",");
    write_rows(out, s->rows, s->strips);
}

static void write_operands(const strip_writer *s, const char *key, int32_t begin, int32_t end,
                           const int32_t *done)
{
    schedule_writer *w = s->w;
    bool any = false;
    text_format(w->text, ",\"%s\":[", key);
    for (int32_t t = begin; t < end; t++) {
        if (!schedule_moves(w, t))
            continue;
        text_string(w->text, any ? "," : "");
        schedule_begin_operand(w, w->program->touches[t].tensor, offset_of(w, t), bytes_of(w, t));
        if (t < w->program->steps[w->program->touches[t].step].write_begin)
            needed_rows(s, t, done);
        text_string(w->text, "]");
        any = true;
    }
    text_string(w->text, "]");
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static void write_compute(const strip_writer *s, int32_t k, const int32_t *done)
{
    schedule_writer *w = s->w;
    const mbs_step *step = &w->program->steps[k];
    schedule_begin_compute(w, k);
    rows_member(s, done);
    write_operands(s, "reads", step->touch_begin, step->write_begin, done);
    write_operands(s, "writes", step->write_begin, step->touch_end, done);
    schedule_in_place(w, k);
    schedule_parameter_parts(w, k);
    if (step->gemm.m > 0) {
        schedule_product(w, "gemm", &step->gemm, 1);
        schedule_string(w, "rows_in", step->gemm.samples_in_k ? "k" : "m");
    } else if (w->program->has_shapes) {
        schedule_figure(w, "elements", schedule_elements(w, k));
    }
    schedule_end(w);
}

/* What the step made: its rows, or all at the end if it is complete only then. */
static void store(const strip_writer *s, int32_t t, const int32_t *done)
{
    const mbs_program *p = s->w->program;
    if (strips_grows(p, t)) {
        move_rows(s, "store", t, done);
        return;
    }
    for (int32_t i = 0; i < s->strips; i++)
        s->rows[i] = 0;
    s->rows[s->strips - 1] = (int32_t)p->tensors[p->touches[t].tensor].rows;
    move_rows(s, "store", t, s->rows);
}

static void on_arrival(void *context, int32_t touch, const int32_t *there)
{
    strip_writer *s = context;
    if (!schedule_moves(s->w, touch))
        return;
    s->w->text = &s->loads;
    move_rows(s, "load", touch, there);
}

static void on_step(void *context, int32_t k, const int32_t *done)
{
    strip_writer *s = context;
    schedule_writer *w = s->w;
    const mbs_step *step = &w->program->steps[k];
    text *own = &s->steps[k - w->group->first];
    w->text = own;
    *own = s->loads;
    s->loads = (text)TEXT_INIT;
    if (step->update.is_update) {
        schedule_write_update(w, k);
        return;
    }
    schedule_parameters_in(w, k);
    write_compute(s, k, done);
    schedule_parameters_out(w, k);
    schedule_write_update(w, k);
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        if (plan_writes(w->plan, t) && schedule_moves(w, t))
            store(s, t, done);
    schedule_free_after(w, k);
}

/* ---- The group ------------------------------------------------------------------------------- */

void schedule_write_rings(schedule_writer *w)
{
    const mbs_step *steps = w->program->steps;
    bool any = false;
    text_string(w->text, ",\"rings\":[");
    for (int32_t t = steps[w->group->first].touch_begin; t < steps[w->group->end - 1].touch_end;
         t++) {
        if (!w->layout->ring[t] || schedule_arrives(w, t))
            continue;
        text_string(w->text, any ? "," : "");
        schedule_begin_operand(w, w->program->touches[t].tensor, w->layout->touch[t],
                               w->layout->bytes[t]);
        text_string(w->text, "]");
        any = true;
    }
    text_string(w->text, "]");
}

/* The steps' commands, first to last. */
static bool write_steps(schedule_writer *w, const text *steps)
{
    for (int32_t i = 0; i < w->group->end - w->group->first; i++) {
        if (steps[i].failed) {
            w->status = error_memory(w->error);
            return false;
        }
        text_bytes(w->text, steps[i].data, steps[i].length);
        if (!sink_flush(w->out))
            return false;
    }
    return true;
}

bool schedule_write_strips(schedule_writer *w)
{
    const mbs_group *group = w->group;
    const int32_t count = group->end - group->first;
    text *to = w->text;
    strip_writer s = {.w = w,
                      .strips = (int32_t)group->strips,
                      .rows = mem_alloc((size_t)group->strips * sizeof *s.rows),
                      .steps = mem_calloc((size_t)count, sizeof *s.steps)};
    const strips_watch watch = {on_arrival, on_step, &s};
    bool going = schedule_bring_pinned(w);
    if (s.rows == NULL || s.steps == NULL ||
        !strips_follow(w->program, group->first, group->end, s.strips, &watch)) {
        w->status = error_memory(w->error);
        going = false;
    }
    w->text = to;
    going = going && write_steps(w, s.steps) && schedule_release_pinned(w);
    for (int32_t i = 0; s.steps != NULL && i < count; i++)
        text_free(&s.steps[i]);
    text_free(&s.loads);
    mem_free(s.steps);
    mem_free(s.rows);
    return going;
}
