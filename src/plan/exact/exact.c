#include "plan/exact/exact.h"

#include "base/checked.h"
#include "base/error.h"

bool exact_stop(void *search)
{
    exact *x = search;
    x->task->watch->known.incumbent_bytes = x->incumbent;
    x->task->watch->known.bound_bytes = x->bound;
    return plan_watch_ask(x->task->watch);
}

void exact_raise_bound(exact *x, int64_t bytes)
{
    x->bound = max_i64(x->bound, min_i64(bytes, x->incumbent));
}

bool exact_closed(const exact *x)
{
    double gap = (double)(x->incumbent - x->bound);
    return x->bound >= x->incumbent || gap <= x->task->gap_percent / 100 * (double)x->incumbent;
}

mbs_status exact_take_path(exact *x, const column_list *list, int64_t bytes, mbs_error *error)
{
    mbs_plan *better = plan_allocate_like(x->plan, x->plan->planner_name);
    if (better == NULL)
        return error_memory(error);
    mbs_status status = MBS_OK;
    for (int32_t i = x->path.count; i-- > 0 && status == MBS_OK;)
        status =
            column_emit(x->task, &x->l.list, &list->columns[x->path.columns[i]], better, error);
    if (status != MBS_OK) {
        mbs_plan_free(better);
        return status;
    }
    plan_exchange_choices(x->plan, better);
    mbs_plan_free(better);
    x->incumbent = bytes;
    return MBS_OK;
}
