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

static void set_prices(const price_memory *memory, lagrange *l, int32_t k, int32_t from)
{
    for (int32_t c = 0; c < l->list.count; c++) {
        const double kept = (double)memory->price[(int64_t)c * memory->program->step_count + from];
        const double price = ldexp(kept, l->shift - memory->shift);
        l->price[lagrange_step_row(l, c) + k] =
            (int64_t)fmin(price, (double)(l->highest_price[c] << l->shift));
    }
}

bool price_memory_recall(const price_memory *memory, lagrange *l)
{
    const mbs_program *p = l->task->program;
    if (memory == NULL || memory->program == NULL)
        return false;
    int32_t from = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        const int32_t last = memory->program->step_count - 1;
        from = find(memory->program, from < last ? from : last, p->steps[k].name);
        set_prices(memory, l, k, from);
        from += strcmp(memory->program->steps[from].name, p->steps[k].name) == 0;
    }
    for (int32_t c = 0; c < l->list.count; c++)
        lagrange_update(l, c);
    return true;
}
