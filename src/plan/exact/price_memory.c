#include "plan/exact/price_memory.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

void price_memory_keep(price_memory *memory, const lagrange *l)
{
    const size_t count = (size_t)l->list.count * (size_t)l->task->program->step_count;
    if (memory == NULL)
        return;
    price_memory_free(memory);
    int64_t *price = mem_alloc(count * sizeof *price);
    if (price == NULL)
        return;
    memcpy(price, l->price, count * sizeof *price);
    *memory = (price_memory){l->task->program, l->shift, price};
}

void price_memory_free(price_memory *memory)
{
    mem_free(memory->price);
    *memory = (price_memory){0};
}

/* Where a step of that name is in the kept program, from step `from` on; else `from`. */
static int32_t find(const mbs_program *kept, int32_t from, const char *name)
{
    for (int32_t k = from; k < kept->step_count; k++)
        if (strcmp(kept->steps[k].name, name) == 0)
            return k;
    return from;
}

/* Each of the steps [first, end) gets an equal part of what kept steps [from, last] are priced. */
static void set_prices(const price_memory *memory, lagrange *l, int32_t first, int32_t end,
                       int32_t from, int32_t last)
{
    for (int32_t c = 0; c < l->list.count; c++) {
        const int64_t *kept = memory->price + (int64_t)c * memory->program->step_count;
        double sum = 0;
        for (int32_t k = from; k <= last; k++)
            sum += (double)kept[k];
        const double price = ldexp(sum / (end - first), l->shift - memory->shift);
        for (int32_t k = first; k < end; k++)
            l->price[lagrange_step_row(l, c) + k] =
                (int64_t)fmin(price, (double)(l->highest_price[c] << l->shift));
    }
}

bool price_memory_recall(const price_memory *memory, lagrange *l)
{
    const mbs_program *p = l->task->program;
    if (memory == NULL || memory->program == NULL)
        return false;
    const mbs_program *kept = memory->program;
    int32_t from = 0;  /* kept steps before it have given their prices, */
    int32_t first = 0; /* steps before it have theirs */
    for (int32_t k = 0; k < p->step_count && from < kept->step_count; k++) {
        const int32_t same = find(kept, from, p->steps[k].name);
        if (strcmp(kept->steps[same].name, p->steps[k].name) != 0)
            continue; /* the kept program lacks it */
        set_prices(memory, l, first, k + 1, from, same);
        first = k + 1;
        from = same + 1;
    }
    lagrange_update_all(l);
    return true;
}
