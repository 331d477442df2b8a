#include "plan/exact/ascent.h"

#include <math.h>
#include <string.h>

/* How far prices from i on, up to *end, may rise: they are of one candidate. */
static double highest_price(const ascent *a, size_t i, size_t *end)
{
    const size_t steps = (size_t)a->l->task->program->step_count;
    const size_t before = (size_t)(a->price - a->l->price);
    const size_t c = (before + i) / steps;
    const size_t next = (c + 1) * steps - before;
    *end = next < a->count ? next : a->count;
    return (double)(a->l->highest_price[c] << a->l->shift);
}

/* One step towards `level` along the excess; false where there is nowhere to go. */
static bool move_prices(ascent *a, double level, int64_t bound)
{
    double length = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->price[i] == 0 && a->excess[i] < 0)
            a->excess[i] = 0;
        length += a->excess[i] * a->excess[i];
    }
    if (length < 1)
        return false;
    const double step = (level - (double)bound) / length;
    for (size_t i = 0, end; i < a->count; i = end) {
        const double limit = highest_price(a, i, &end);
        for (size_t k = i; k < end; k++) {
            const double price = (double)a->price[k] + step * a->excess[k];
            a->price[k] = price <= 0 ? 0 : (int64_t)llround(fmin(price, limit));
        }
    }
    return true;
}

int64_t ascend(ascent *a)
{
    const size_t bytes = a->count * sizeof *a->price;
    int64_t best = INT64_MIN;
    int without_gain = 0;
    for (int i = 0; i < a->iterations && a->gap >= a->smallest; i++) {
        memset(a->excess, 0, a->count * sizeof *a->excess);
        int64_t bound = a->value(a->context, a->excess);
        if (bound < 0) {
            best = best == INT64_MIN ? -1 : best;
            break;
        }
        if (bound > best) {
            if (best == INT64_MIN || (double)bound > (double)best + 0.1 * a->gap)
                without_gain = 0;
            best = bound;
            memcpy(a->best_price, a->price, bytes);
        }
        if (++without_gain > a->patience) {
            /* the level is out of reach: lower it and start again from the best prices */
            a->gap *= 0.6;
            without_gain = 0;
            memcpy(a->price, a->best_price, bytes);
        } else if (!move_prices(a, (double)best + a->gap, bound)) {
            break;
        }
    }
    if (best >= 0)
        memcpy(a->price, a->best_price, bytes);
    return best;
}
