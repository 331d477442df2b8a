#include "plan/dp/strip_table.h"

#include "base/checked.h"
#include "base/memory.h"

/* ---- Links ----------------------------------------------------------------------------------- */

typedef struct link_slots {
    int32_t *slots; /* numbers plus one, by hash */
    uint32_t last;  /* of a power of two */
} link_slots;

/* The slot of a link, or where it belongs. */
static int32_t *find_link(const link_slots *table, const strip_links *links, const row_link *link)
{
    uint64_t hash = (uint64_t)(uintptr_t)link->map;
    hash = (hash ^ (uint64_t)link->step_rows) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ (hash >> 29) ^ (uint64_t)link->tensor_rows) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t i = (uint32_t)(hash >> 32) & table->last;
    for (;; i = (i + 1) & table->last) {
        if (table->slots[i] == 0)
            return &table->slots[i];
        const row_link *other = &links->links[table->slots[i] - 1];
        if (other->map == link->map && other->step_rows == link->step_rows &&
            other->tensor_rows == link->tensor_rows)
            return &table->slots[i];
    }
}

bool strip_links_open(strip_links *links, const mbs_program *p)
{
    const size_t touches = (size_t)p->touch_count + 1;
    uint32_t slot_count = 16;
    while (slot_count < 2 * touches)
        slot_count *= 2;
    *links = (strip_links){0};
    links->links = mem_alloc(touches * sizeof *links->links);
    links->of_touch = mem_alloc(touches * sizeof *links->of_touch);
    const link_slots table = {mem_calloc(slot_count, sizeof *table.slots), slot_count - 1};
    const bool is_open = links->links != NULL && links->of_touch != NULL && table.slots != NULL;
    for (int32_t k = 0; is_open && k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++) {
            const row_link link = row_link_of(p, t);
            int32_t *slot = find_link(&table, links, &link);
            if (*slot == 0) {
                links->links[links->count++] = link;
                *slot = links->count;
            }
            links->of_touch[t] = *slot - 1;
        }
    mem_free(table.slots);
    return is_open;
}

void strip_links_close(strip_links *links)
{
    mem_free(links->links);
    mem_free(links->of_touch);
    *links = (strip_links){0};
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Arrays that the pool may always have, however few are in use. */
#define TABLE_ARRAYS 1024

bool strip_table_open(strip_table *table, const mbs_program *p, const strip_links *links,
                      int32_t strips)
{
    const size_t touches = (size_t)p->touch_count + 1;
    *table = (strip_table){.program = p, .links = links, .arrays_limit = TABLE_ARRAYS};
    table->demand = mem_alloc(touches * sizeof *table->demand);
    table->extent = mem_alloc(touches * sizeof *table->extent);
    table->dirty = mem_calloc((size_t)p->step_count / 64 + 1, sizeof *table->dirty);
    table->ring_more = mem_calloc(touches, sizeof *table->ring_more);
    return pool_open(&table->pool, strips, links->links) && table->demand != NULL &&
           table->extent != NULL && table->dirty != NULL && table->ring_more != NULL;
}

void strip_table_close(strip_table *table)
{
    pool_close(&table->pool);
    mem_free(table->demand);
    mem_free(table->extent);
    mem_free(table->dirty);
    mem_free(table->ring_more);
    *table = (strip_table){0};
}

static void mark_dirty(strip_table *table, int32_t step)
{
    table->dirty[step / 64] |= UINT64_C(1) << step % 64;
    if (step < table->lowest_dirty)
        table->lowest_dirty = step;
}

/* The last dirty step before `end`, which then is so no more; -1: there is none. */
static int32_t take_dirty(strip_table *table, int32_t end)
{
    for (int32_t word = (end - 1) / 64; end > 0 && word >= table->lowest_dirty / 64; word--) {
        uint64_t bits = table->dirty[word];
        if (end < (word + 1) * 64)
            bits &= (UINT64_C(1) << end % 64) - 1;
        if (bits == 0)
            continue;
        const int32_t bit = 63 - __builtin_clzll(bits);
        table->dirty[word] &= ~(UINT64_C(1) << bit);
        return word * 64 + bit;
    }
    return -1;
}

/* What later steps of the groups ask of the tensor of touch t. */
static strip_demand demand_after(const strip_table *table, int32_t t)
{
    const mbs_touch *touches = table->program->touches;
    const int32_t next = touches[t].next;
    if (next < 0 || touches[next].step >= table->end)
        return (strip_demand){POOL_NONE, POOL_NONE};
    return table->demand[next];
}

/* How far the step gets with each strip. */
static int32_t find_progress(strip_table *table, const mbs_step *step)
{
    row_pool *pool = &table->pool;
    int32_t done = POOL_NONE;
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const int32_t needed = demand_after(table, t).needed;
        if (needed != POOL_NONE)
            done = pool_larger(pool, done,
                               strips_grows(table->program, t)
                                   ? needed
                                   : pool_all_or_none(pool, needed, step->rows));
    }
    if (done == POOL_NONE)
        done = pool_spread(pool, step->rows);
    return pool_finish(pool, done, step->rows);
}

static void set_ring_more(strip_table *table, int32_t t, int64_t bytes)
{
    table->rings += bytes - table->ring_more[t];
    table->ring_more[t] = bytes;
}

/* The ring, if it is one, of a tensor that is touched first at t; 0 if no group has the touch. */
static int64_t ring_from(const strip_table *table, int32_t t)
{
    const bool is_in = t >= 0 && table->program->touches[t].step < table->end &&
                       table->program->touches[t].step >= table->floor;
    return is_in && table->extent[t].kept > 0 ? table->extent[t].size : 0;
}

/* Takes over the extent of a tensor that is touched first at t. */
static void set_extent(strip_table *table, int32_t t, strip_extent extent)
{
    const mbs_touch *touch = &table->program->touches[t];
    table->extent[t] = extent;
    const int64_t ring = ring_from(table, t);
    set_ring_more(table, t, max_i64(0, ring - ring_from(table, touch->next)));
    if (touch->previous >= 0 && table->program->touches[touch->previous].step >= table->floor)
        set_ring_more(table, touch->previous, max_i64(0, ring_from(table, touch->previous) - ring));
}

static void update_written(strip_table *table, int32_t t, int32_t done)
{
    const mbs_tensor *tensor = &table->program->tensors[table->program->touches[t].tensor];
    if (strips_grows(table->program, t))
        set_extent(
            table, t,
            strips_bytes(tensor, pool_rows(&table->pool, done, demand_after(table, t).used)));
    else
        set_extent(table, t, (strip_extent){tensor->bytes, tensor->bytes});
}

static void update_read(strip_table *table, int32_t t, int32_t done)
{
    row_pool *pool = &table->pool;
    const mbs_touch *touch = &table->program->touches[t];
    const mbs_tensor *tensor = &table->program->tensors[touch->tensor];
    const int32_t link = table->links->of_touch[t];
    const strip_demand after = demand_after(table, t);
    const strip_demand now = {pool_larger(pool, pool_need(pool, link, done), after.needed),
                              pool_smaller(pool, pool_use(pool, link, done), after.used)};
    if (now.needed == table->demand[t].needed && now.used == table->demand[t].used)
        return;
    table->demand[t] = now;
    /* all of what comes from DRAM is there in the end */
    const int32_t there = pool_finish(pool, now.needed, tensor->rows);
    set_extent(table, t, strips_bytes(tensor, pool_rows(pool, there, now.used)));
    if (touch->previous >= 0 && table->program->touches[touch->previous].step >= table->floor)
        mark_dirty(table, table->program->touches[touch->previous].step);
}

static void update_step(strip_table *table, int32_t k)
{
    const mbs_step *step = &table->program->steps[k];
    const int32_t done = find_progress(table, step);
    for (int32_t t = step->write_begin; t < step->touch_end; t++)
        update_written(table, t, done);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        update_read(table, t, done);
}

/* Nothing is known of steps from `first` on. */
static void add_steps(strip_table *table, int32_t first)
{
    const mbs_step *steps = table->program->steps;
    for (int32_t k = first; k < table->end; k++) {
        for (int32_t t = steps[k].touch_begin; t < steps[k].write_begin; t++)
            table->demand[t] = (strip_demand){POOL_NONE, POOL_NONE};
        for (int32_t t = steps[k].touch_begin; t < steps[k].touch_end; t++)
            table->extent[t] = (strip_extent){0};
        mark_dirty(table, k);
    }
}

/* Forgets the rings of the steps before `floor`. */
static void raise_floor(strip_table *table, int32_t floor)
{
    const mbs_step *steps = table->program->steps;
    for (; table->floor < floor; table->floor++)
        for (int32_t t = steps[table->floor].touch_begin; t < steps[table->floor].touch_end; t++)
            set_ring_more(table, t, 0);
}

bool strip_table_advance(strip_table *table, int32_t floor, int32_t end)
{
    const bool starts_anew = table->pool.count > table->arrays_limit;
    const int32_t old_end = table->end;
    raise_floor(table, floor);
    table->end = end;
    table->lowest_dirty = end;
    if (starts_anew)
        pool_clear(&table->pool);
    add_steps(table, starts_anew || old_end < floor ? floor : old_end);
    for (int32_t k = end; (k = take_dirty(table, k)) >= 0;)
        update_step(table, k);
    if (starts_anew)
        table->arrays_limit = 2 * table->pool.count + TABLE_ARRAYS;
    return !table->pool.failed;
}
