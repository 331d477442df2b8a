#include "plan/dp/strip_search.h"

#include "base/checked.h"
#include "base/memory.h"

/* What a step more in a walk takes, in ticks of work. */
#define WALK_WORK 4

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/*
 * What whole samples need with nothing written over an operand is no less than the blocks of strips
 * do, in which less may be.
 */
static bool open_sample(strip_search *s, const int64_t *operands)
{
    const bool opened = span_open(&s->sample, s->task, &s->single, operands);
    s->sample.in_place = false;
    return opened;
}

bool strip_search_open(strip_search *s, const plan_task *task, starts *cuts,
                       const int64_t *operands)
{
    const size_t count = (size_t)task->program->step_count + 1;
    *s = (strip_search){.task = task, .starts = cuts};
    s->classes = mem_alloc(count * sizeof *s->classes);
    s->alive = mem_alloc(count * sizeof *s->alive);
    s->promising = mem_alloc(count * sizeof *s->promising);
    s->single = (candidates){1, mem_alloc(sizeof *s->single.iterations),
                             mem_alloc(sizeof *s->single.sub_batch)};
    if (s->single.iterations == NULL || s->single.sub_batch == NULL)
        return false;
    s->single.iterations[0] = task->batch;
    s->single.sub_batch[0] = 1;
    return s->classes != NULL && s->alive != NULL && s->promising != NULL &&
           pins_open(&s->pins, task->program) && strip_links_open(&s->links, task->program) &&
           strip_walk_open(&s->walk, task) && open_sample(s, operands);
}

void strip_search_close(strip_search *s)
{
    for (int32_t i = 0; i < s->table_count; i++)
        strip_table_close(&s->tables[i]);
    mem_free(s->tables);
    pins_close(&s->pins);
    strip_links_close(&s->links);
    strip_walk_close(&s->walk);
    span_close(&s->sample);
    candidates_free(&s->single);
    mem_free(s->classes);
    mem_free(s->alive);
    mem_free(s->promising);
    *s = (strip_search){0};
}

/* ---- The steps of the groups ----------------------------------------------------------------- */

static void add_step(strip_search *s, int32_t k)
{
    const mbs_step *step = &s->task->program->steps[k];
    strip_class added = {strips_tallest(s->task->program, k, k + 1), k};
    while (s->class_count > 0 && s->classes[s->class_count - 1].rows <= added.rows)
        added.first = s->classes[--s->class_count].first;
    s->classes[s->class_count++] = added;
    s->alive[k] = true;
    strip_walk_add_step(&s->walk);
    if (step->coupled && s->floor <= k)
        s->floor = k + 1;
    else if (s->floor <= step->coupled_to) /* a group may not hold both */
        s->floor = step->coupled_to + 1;
    while (s->floor <= k && !s->alive[s->floor])
        s->floor++;
}

/* The starts of class i: from *first up to the one returned. */
static int32_t class_range(const strip_search *s, int32_t i, int32_t *first)
{
    *first = s->classes[i].first > s->floor ? s->classes[i].first : s->floor;
    return i + 1 < s->class_count ? s->classes[i + 1].first : s->end;
}

/* ---- Starts that cannot die ------------------------------------------------------------------ */

/* The table for T = `strips`, up to the cut at hand; null if memory is out. */
static strip_table *table_of(strip_search *s, int32_t strips)
{
    int32_t i = 0;
    while (i < s->table_count && s->tables[i].pool.strips != strips)
        i++;
    if (i == s->table_count) {
        strip_table *tables =
            mem_grow(s->tables, &s->table_capacity, s->table_count, sizeof *tables);
        if (tables == NULL)
            return NULL;
        s->tables = tables;
        s->table_count++;
        if (!strip_table_open(&tables[i], s->task->program, &s->links, strips))
            return NULL;
    }
    return strip_table_advance(&s->tables[i], s->floor, s->end) ? &s->tables[i] : NULL;
}

/* The most that the rings of any group take, with one row of the tallest tensor per strip; -1 if
 * memory is out. */
static int64_t most_rings(strip_search *s)
{
    int64_t most = 0;
    for (int32_t i = 0; i < s->class_count; i++) {
        int32_t first;
        const int64_t rows = s->classes[i].rows;
        if (class_range(s, i, &first) <= first || rows < 2)
            continue;
        if (rows > MBS_MAX_STRIPS) /* all starts of the class are about to die */
            return INT64_MAX / 2;
        const strip_table *table = table_of(s, (int32_t)rows);
        if (table == NULL)
            return -1;
        most = max_i64(most, table->rings);
    }
    return most;
}

static bool is_roomy(const strip_search *s, int64_t rings)
{
    return span_fits(&s->sample) && s->sample.peak[0] <= s->task->capacity - rings;
}

/* Lets the group from `roomy` on have the steps up to the cut, and that start rise until it has
 * room for all. False if memory is out. */
static bool raise_roomy(strip_search *s)
{
    const int64_t rings = most_rings(s);
    if (rings < 0)
        return false;
    if (s->roomy >= s->floor && s->roomy < s->end - 1) {
        span_grow(&s->sample);
        if (is_roomy(s, rings))
            return true;
    }
    const int32_t before = max_i32(s->roomy, s->floor);
    span_start(&s->sample, s->end, true);
    s->roomy = s->end;
    while (s->roomy > before) {
        span_grow(&s->sample);
        if (!is_roomy(s, rings))
            break;
        s->roomy--;
    }
    span_start(&s->sample, s->roomy, false);
    while (s->sample.end < s->end)
        span_grow(&s->sample);
    return true;
}

/* ---- What groups cost ------------------------------------------------------------------------ */

/* The traffic up to the cut with group [start, end) of `strips` strips, if `room` can be pinned. */
static int64_t cost_of(strip_search *s, int32_t start, int64_t strips, int64_t room)
{
    const parameters p = starts_parameters_of(s->starts, start, s->end);
    const int64_t iterations = s->task->batch * strips;
    int64_t cost = starts_reduced(s->starts, start, 1) + starts_parameters(s->starts, s->end, 1);
    if (!checked_add_product(&cost, iterations - 1, reread_bytes(p)))
        return INT64_MAX;
    pins_move(&s->pins, start, s->end);
    return s->task->pin ? cost - pins_save(&s->pins, iterations, room) : cost;
}

/* Where ties are kept, what comes to as little is. */
static bool is_of_use(const strip_search *s, int64_t cost)
{
    return cost < *s->best || (cost == *s->best && s->ties != NULL);
}

static bool may_pay(strip_search *s, int32_t start, int64_t strips)
{
    return is_of_use(s, cost_of(s, start, strips, s->task->capacity));
}

/* The block's starts move at least what its best one moves once, and what its last one rereads. */
static bool is_block_useless(strip_search *s, int32_t block)
{
    const int32_t last = (block + 1) * STARTS_BLOCK - 1;
    const int64_t less = starts_reduced(s->starts, last, 1) -
                         starts_block_reduced(s->starts, block, 1) +
                         starts_continued(s->starts, block * STARTS_BLOCK, last);
    const int64_t cost = cost_of(s, last, 2, s->task->capacity);
    return cost == INT64_MAX || !is_of_use(s, cost - less);
}

static void find_promising(strip_search *s)
{
    s->promising_count = 0;
    for (int32_t start = s->end - 1; start >= s->floor;) {
        if ((start + 1) % STARTS_BLOCK == 0 && is_block_useless(s, start / STARTS_BLOCK)) {
            start -= STARTS_BLOCK;
            continue;
        }
        if (s->alive[start] && may_pay(s, start, 2))
            s->promising[s->promising_count++] = start;
        start--;
    }
}

static void relax(strip_search *s, int32_t start, int32_t strips, int64_t peak)
{
    const int64_t cost = cost_of(s, start, strips, s->task->capacity - peak);
    const dp_choice way = {.first = start, .candidate = DP_STRIPS, .strips = strips};
    if (!is_of_use(s, cost))
        return;
    if (s->offer != NULL) {
        s->refused = !s->offer(s->context, start, strips, cost) || s->refused;
        return;
    }
    dp_ties_add(s->ties, way, cost == *s->best);
    if (cost < *s->best) {
        *s->best = cost;
        *s->choice = way;
    }
}

/* ---- Going over the starts ------------------------------------------------------------------- */

/* The lowest start of class i whose group must be looked at with one row of the tallest per strip;
 * the cut if there is none. */
static int32_t lowest_to_check(const strip_search *s, int32_t i)
{
    int32_t start;
    const int32_t end = class_range(s, i, &start);
    const int32_t doubtful = s->roomy < end ? s->roomy : end;
    while (start < doubtful && !s->alive[start])
        start++;
    if (start < doubtful)
        return start;
    int32_t lowest = s->end;
    for (int32_t j = 0; j < s->promising_count && s->promising[j] >= start; j++)
        if (s->promising[j] < end)
            lowest = s->promising[j];
    return lowest;
}

/* Of the walk from the cut to the start `lowest`, for who collects groups; dp itself is not
 * limited. */
static void count_work(const strip_search *s, int32_t lowest)
{
    if (s->offer != NULL)
        plan_watch_work(s->task->watch, WALK_WORK * (int64_t)(s->end - lowest));
}

/* Class i with one row of the tallest tensor per strip: starts whose group does not fit die. */
static bool check_class(strip_search *s, int32_t i)
{
    const int64_t rows = s->classes[i].rows;
    int32_t first;
    const int32_t end = class_range(s, i, &first);
    const int32_t lowest = lowest_to_check(s, i);
    int32_t next = 0; /* of the promising ones */
    if (rows < 2 || lowest == s->end)
        return true;
    if (rows > MBS_MAX_STRIPS) {
        for (int32_t start = first; start < end; start++)
            s->alive[start] = false;
        return true;
    }
    const strip_table *table = table_of(s, (int32_t)rows);
    if (table == NULL)
        return false;
    strip_walk_start(&s->walk, table->extent);
    count_work(s, lowest);
    for (int32_t start = s->end - 1; start >= lowest; start--) {
        strip_walk_grow(&s->walk);
        while (next < s->promising_count && s->promising[next] > start)
            next++;
        const bool promises = next < s->promising_count && s->promising[next] == start;
        if (start >= end || !s->alive[start] || (start >= s->roomy && !promises))
            continue;
        const int64_t peak = strip_walk_peak(&s->walk);
        if (peak > s->task->capacity)
            s->alive[start] = false;
        else if (promises)
            relax(s, start, (int32_t)rows, peak);
    }
    return true;
}

/* The least T above `strips` and below `rows` that groups with such tallest tensors may have; 0 if
 * there is none. */
static int32_t next_strips(int64_t rows, int32_t strips)
{
    const int64_t next = strips_above(rows, strips);
    return next < rows ? (int32_t)next : 0;
}

static int32_t class_of(const strip_search *s, int32_t start)
{
    int32_t i = s->class_count - 1;
    while (s->classes[i].first > start)
        i--;
    return i;
}

/* Whether the promising start may gain with T = `strips`; *next is lowered to the T after it. */
static bool still_promises(strip_search *s, int32_t start, int32_t strips, int32_t *next)
{
    const int64_t rows = s->classes[class_of(s, start)].rows;
    if (!s->alive[start] || !may_pay(s, start, strips))
        return false;
    const int32_t later = next_strips(rows, strips);
    if (later > 0 && (*next == 0 || later < *next))
        *next = later;
    return next_strips(rows, strips - 1) == strips;
}

/* The promising groups with T = `strips`, and the next T to try. */
static bool try_strips(strip_search *s, int32_t strips, int32_t *next_t)
{
    int32_t kept = 0;
    int32_t lowest = s->end;
    *next_t = 0;
    for (int32_t j = 0; j < s->promising_count; j++) {
        const int32_t start = s->promising[j];
        if (still_promises(s, start, strips, next_t))
            lowest = start;
        if (s->alive[start] && may_pay(s, start, strips))
            s->promising[kept++] = start;
    }
    s->promising_count = kept;
    if (lowest == s->end)
        return true;
    const strip_table *table = table_of(s, strips);
    if (table == NULL)
        return false;
    strip_walk_start(&s->walk, table->extent);
    count_work(s, lowest);
    for (int32_t start = s->end - 1, j = 0; start >= lowest; start--) {
        strip_walk_grow(&s->walk);
        if (j == s->promising_count || s->promising[j] != start)
            continue;
        j++;
        const int64_t rows = s->classes[class_of(s, start)].rows;
        if (next_strips(rows, strips - 1) != strips || !may_pay(s, start, strips))
            continue;
        const int64_t peak = strip_walk_peak(&s->walk);
        if (peak <= s->task->capacity)
            relax(s, start, strips, peak);
    }
    return true;
}

bool strip_search_cut(strip_search *s, int32_t end, int64_t *best, dp_choice *choice, dp_ties *ties)
{
    s->end = end;
    s->best = best;
    s->choice = choice;
    s->ties = ties;
    add_step(s, end - 1);
    if (!raise_roomy(s))
        return false;
    find_promising(s);
    for (int32_t i = s->class_count - 1; i >= 0 && s->floor < end; i--) {
        int32_t first;
        if (class_range(s, i, &first) > first && !check_class(s, i))
            return false;
    }
    for (int32_t strips = 2, next; strips > 0; strips = next)
        if (!try_strips(s, strips, &next))
            return false;
    return !s->refused;
}
