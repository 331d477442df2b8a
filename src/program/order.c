/* Another order of a program's steps (model, section 14). */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "program/builder.h"

static void *copy_array(const void *array, int32_t count, size_t element)
{
    void *copy = mem_alloc(((size_t)count + 1) * element);
    if (copy != NULL && count > 0)
        memcpy(copy, array, (size_t)count * element);
    return copy;
}

/* How many names of fused layers there are. */
static int32_t count_fused(const mbs_program *program)
{
    int32_t count = 0;
    for (int32_t k = 0; k < program->step_count; k++) {
        const int32_t end = program->steps[k].fused_begin + program->steps[k].fused_count;
        count = end > count ? end : count;
    }
    return count;
}

mbs_program *program_copy(const mbs_program *program)
{
    mbs_program *copy = mem_alloc(sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *program;
    copy->names = NULL;
    copy->network_name = mem_strdup(program->network_name);
    copy->steps = copy_array(program->steps, program->step_count, sizeof *copy->steps);
    copy->tensors = copy_array(program->tensors, program->tensor_count, sizeof *copy->tensors);
    copy->touches = copy_array(program->touches, program->touch_count, sizeof *copy->touches);
    copy->maps = copy_array(program->maps, program->map_count, sizeof *copy->maps);
    if (program->fused != NULL)
        copy->fused = copy_array(program->fused, count_fused(program), sizeof *copy->fused);
    const bool has_fused = copy->fused != NULL || program->fused == NULL;
    if (has_fused && copy->network_name != NULL && copy->steps != NULL && copy->tensors != NULL &&
        copy->touches != NULL && copy->maps != NULL)
        return copy;
    mbs_program_free(copy);
    return NULL;
}

/* ---- Steps put in another order -------------------------------------------------------------- */

/* What moving steps works with; [first, end) are those that move. */
typedef struct moving {
    mbs_program *program;
    int32_t first;
    int32_t end;
    const int32_t *order; /* per place from `first` on: the number of its step, so far */
    mbs_step *steps;      /* as they were, likewise their touches */
    mbs_touch *touches;
    int32_t *number;   /* per step from `first` on that was there: its new number */
    int32_t *chain[2]; /* per step, by its old number: the first that uses the same parameters */
    int32_t *latest;   /* per such first step: the latest user so far */
    int32_t *tail;     /* per tensor that is touched: its latest touch so far, */
    int32_t *behind;   /* and the first behind those that move; -1: there is none */
} moving;

static int32_t old_number(const moving *m, int32_t k)
{
    return k >= m->first && k < m->end ? m->order[k - m->first] : k;
}

static parameter_use *use_of(mbs_program *p, int32_t k, int kind)
{
    return kind == 0 ? &p->steps[k].weight_use : &p->steps[k].accumulator_use;
}

/* Of either kind, weights and accumulators. */
static void find_chains(moving *m)
{
    for (int kind = 0; kind < 2; kind++)
        for (int32_t k = 0; k < m->program->step_count; k++) {
            const int32_t previous = use_of(m->program, k, kind)->previous;
            m->chain[kind][k] = previous < 0 ? k : m->chain[kind][previous];
        }
}

/* Who uses the same parameters before, in the new order. */
static void chain_anew(moving *m)
{
    for (int kind = 0; kind < 2; kind++) {
        for (int32_t k = 0; k < m->program->step_count; k++)
            m->latest[k] = -1;
        for (int32_t k = 0; k < m->program->step_count; k++) {
            int32_t *latest = &m->latest[m->chain[kind][old_number(m, k)]];
            use_of(m->program, k, kind)->previous = *latest;
            *latest = k;
        }
    }
}

static void move_steps(moving *m)
{
    mbs_program *p = m->program;
    const int32_t base = p->steps[m->first].touch_begin;
    int32_t to = base;
    for (int32_t k = m->first; k < m->end; k++) {
        const mbs_step *from = &m->steps[old_number(m, k) - m->first];
        mbs_step *step = &p->steps[k];
        *step = *from;
        for (int32_t t = from->touch_begin; t < from->touch_end; t++) {
            p->touches[to] = m->touches[t - base];
            p->touches[to++].step = k;
        }
        step->touch_end = to;
        step->touch_begin = to - (from->touch_end - from->touch_begin);
        step->write_begin = step->touch_begin + (from->write_begin - from->touch_begin);
        if (from->replaceable >= 0)
            step->replaceable = step->touch_begin + (from->replaceable - from->touch_begin);
        m->number[old_number(m, k) - m->first] = k;
    }
    for (int32_t k = m->first; k < p->step_count; k++) {
        int32_t *to_whom = &p->steps[k].coupled_to;
        if (*to_whom >= m->first && *to_whom < m->end)
            *to_whom = m->number[*to_whom - m->first];
    }
}

/* The touches before and behind those that move, from how they were linked. */
static void find_ends(moving *m, int32_t base, int32_t top)
{
    for (int32_t t = base; t < top; t++) {
        const mbs_touch *touch = &m->touches[t - base];
        if (touch->previous < base)
            m->tail[touch->tensor] = touch->previous;
        if (touch->next < 0 || touch->next >= top)
            m->behind[touch->tensor] = touch->next;
    }
}

/* What program_link does, of the touches that moved. */
static void link_moved(moving *m)
{
    mbs_program *p = m->program;
    const int32_t base = p->steps[m->first].touch_begin;
    const int32_t top = p->steps[m->end - 1].touch_end;
    find_ends(m, base, top);
    for (int32_t t = base; t < top; t++) {
        mbs_touch *touch = &p->touches[t];
        mbs_tensor *tensor = &p->tensors[touch->tensor];
        touch->previous = m->tail[touch->tensor];
        m->tail[touch->tensor] = t;
        if (touch->previous >= 0)
            p->touches[touch->previous].next = t;
        else
            tensor->first_touch = t;
        if (t >= p->steps[touch->step].write_begin)
            tensor->producer = touch->step;
    }
    for (int32_t t = base; t < top; t++) {
        mbs_touch *touch = &p->touches[t];
        if (m->tail[touch->tensor] != t)
            continue;
        touch->next = m->behind[touch->tensor];
        if (touch->next >= 0)
            p->touches[touch->next].previous = t;
        else
            p->tensors[touch->tensor].last_touch = t;
    }
}

static bool open_moving(moving *m)
{
    const mbs_program *p = m->program;
    const size_t steps = (size_t)(m->end - m->first);
    const int32_t base = p->steps[m->first].touch_begin;
    const size_t touches = (size_t)(p->steps[m->end - 1].touch_end - base);
    m->steps = mem_alloc(steps * sizeof *m->steps);
    m->touches = mem_alloc((touches + 1) * sizeof *m->touches);
    m->number = mem_alloc(steps * sizeof *m->number);
    m->tail = mem_alloc((size_t)p->tensor_count * sizeof *m->tail);
    m->behind = mem_alloc((size_t)p->tensor_count * sizeof *m->behind);
    if (m->steps == NULL || m->touches == NULL || m->number == NULL || m->tail == NULL ||
        m->behind == NULL)
        return false;
    memcpy(m->steps, &p->steps[m->first], steps * sizeof *m->steps);
    memcpy(m->touches, &p->touches[base], touches * sizeof *m->touches);
    if (!p->shares)
        return true;
    for (int kind = 0; kind < 2; kind++)
        m->chain[kind] = mem_alloc((size_t)p->step_count * sizeof *m->chain[kind]);
    m->latest = mem_alloc((size_t)p->step_count * sizeof *m->latest);
    return m->chain[0] != NULL && m->chain[1] != NULL && m->latest != NULL;
}

bool program_permute(mbs_program *program, int32_t first, int32_t end, const int32_t *order)
{
    moving m = {.program = program, .first = first, .end = end, .order = order};
    const bool opened = open_moving(&m);
    if (opened) {
        if (program->shares)
            find_chains(&m);
        move_steps(&m);
        if (program->shares) {
            chain_anew(&m);
            program_link(program);
        } else {
            link_moved(&m);
        }
    }
    mem_free(m.steps);
    mem_free(m.touches);
    mem_free(m.number);
    mem_free(m.chain[0]);
    mem_free(m.chain[1]);
    mem_free(m.latest);
    mem_free(m.tail);
    mem_free(m.behind);
    return opened;
}

/* ---- The order that the options give --------------------------------------------------------- */

static bool refuse(builder *b, const char *what, int32_t place, int32_t found)
{
    b->status = error_set(b->error, MBS_ERR_ARGUMENT, "network %s: order[%d] is %d, %s",
                          quoted(b->network->name).text, place, found, what);
    return false;
}

/* What an order is checked with. */
typedef struct ordering {
    int32_t count;  /* steps that are no updates, */
    int32_t *at;    /* and for each of them where it is in the program */
    int32_t *place; /* per step of the program: its place in the order; -1: not met so far */
    int32_t *full;  /* the program's steps in the new order, with updates, */
    int32_t filled; /* so far */
} ordering;

static bool refuse_step(builder *b, const int32_t *place, int32_t k, const char *what,
                        int32_t before)
{
    b->status =
        error_set(b->error, MBS_ERR_ARGUMENT, "network %s: order[%d] is %d, step %s, %s step %d %s",
                  quoted(b->network->name).text, place[k], b->program->steps[k].given,
                  quoted(b->program->steps[k].name).text, what, b->program->steps[before].given,
                  quoted(b->program->steps[before].name).text);
    return false;
}

/* Whether the step may be at its place: behind those that write what it reads, in its phase. */
static bool check_place(builder *b, const ordering *o, int32_t k)
{
    const mbs_program *p = b->program;
    const mbs_step *step = &p->steps[k];
    const int32_t before = o->filled > 0 ? o->full[o->filled - 1] : k;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t producer = p->tensors[p->touches[t].tensor].producer;
        if (producer >= 0 && o->place[producer] < 0)
            return refuse_step(b, o->place, k, "before what it reads is written, by", producer);
    }
    return step->phase >= p->steps[before].phase ||
           refuse_step(b, o->place, k, "of the forward phase, behind the backward", before);
}

/* Whether all steps that add to the same accumulators as step k are in the order by now. */
static bool is_complete(const mbs_program *p, const ordering *o, int32_t k, int32_t *last)
{
    int32_t user = k;
    for (; user >= 0; user = p->steps[user].accumulator_use.previous)
        if (o->place[user] < 0)
            return false;
    for (user = *last = k; user >= 0; user = p->steps[user].accumulator_use.next) {
        if (o->place[user] < 0)
            return false;
        *last = user;
    }
    return true;
}

/* Fills in the order of all steps, an update behind the last that adds to its gradient. */
static bool fill_order(builder *b, ordering *o)
{
    const mbs_program *p = b->program;
    for (int32_t i = 0; i < o->count; i++) {
        const int32_t number = b->options.order[i];
        if (number < 0 || number >= o->count)
            return refuse(b, "expected the number of a step in the network's own order", i, number);
        const int32_t k = o->at[number];
        if (o->place[k] >= 0)
            return refuse(b, "which is there before, expected each step once", i, number);
        o->place[k] = i;
        if (!check_place(b, o, k))
            return false;
        o->full[o->filled++] = k;
        int32_t last;
        if (p->steps[k].accumulator_bytes > 0 && is_complete(p, o, k, &last) &&
            program_hands_on(p, last, p->step_count))
            o->full[o->filled++] = last + 1;
    }
    return true;
}

/* Numbers the steps; false if the options' order is of another number of them. */
static bool order_number(builder *b)
{
    int32_t count = 0;
    for (int32_t k = 0; k < b->program->step_count; k++)
        b->program->steps[k].given = b->program->steps[k].update.is_update ? -1 : count++;
    if (b->options.order == NULL || b->options.order_count == (size_t)count)
        return true;
    b->status = error_set(b->error, MBS_ERR_ARGUMENT,
                          "network %s: an order of %zu steps, expected all %d of its program",
                          quoted(b->network->name).text, b->options.order_count, count);
    return false;
}

bool order_apply(builder *b)
{
    mbs_program *p = b->program;
    const size_t steps = (size_t)p->step_count;
    if (!order_number(b))
        return false;
    if (b->options.order == NULL)
        return true;
    ordering o = {.at = mem_alloc(steps * sizeof *o.at),
                  .place = mem_alloc(steps * sizeof *o.place),
                  .full = mem_alloc(steps * sizeof *o.full)};
    bool done = o.at != NULL && o.place != NULL && o.full != NULL;
    for (int32_t k = 0; done && k < p->step_count; k++) {
        o.place[k] = -1;
        if (p->steps[k].given >= 0)
            o.at[o.count++] = k;
    }
    if (!done)
        builder_fail(b, MBS_ERR_MEMORY);
    done = done && fill_order(b, &o) &&
           (program_permute(p, 0, p->step_count, o.full) || builder_fail(b, MBS_ERR_MEMORY));
    mem_free(o.at);
    mem_free(o.place);
    mem_free(o.full);
    return done;
}
