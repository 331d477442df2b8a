/* mbs_plan_verify: the replay's frame, and the plan's figures against what was counted. */
#include <inttypes.h>

#include "base/checked.h"
#include "base/memory.h"
#include "verify/replay.h"

typedef struct traffic_class {
    const char *name;
    int64_t planned;
    int64_t counted;
} traffic_class;

static void check_figures(replay *r)
{
    const mbs_plan *plan = r->plan;
    const mbs_traffic *planned = &plan->traffic;
    const mbs_traffic *moved = &r->moved;
    const traffic_class classes[] = {
        {"activation_read", planned->activation_read, moved->activation_read},
        {"activation_write", planned->activation_write, moved->activation_write},
        {"weight_read", planned->weight_read, moved->weight_read},
        {"weight_gradient", planned->weight_gradient, moved->weight_gradient},
        {"optimizer", planned->optimizer, moved->optimizer},
        {"total", planned->total, moved->total},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].planned != classes[i].counted)
            plan_fault(r, RULE_TRAFFIC, "%s is %" PRId64 " bytes, the replay moved %" PRId64,
                       classes[i].name, classes[i].planned, classes[i].counted);
    if (plan->bound_bytes < 0 || plan->bound_bytes > moved->total)
        plan_fault(r, RULE_BOUND,
                   "bound_bytes is %" PRId64 ", expected 0 to the %" PRId64 " bytes moved in total",
                   plan->bound_bytes, moved->total);
    else if (plan->outcome == MBS_OPTIMAL && plan->objective == MBS_TRAFFIC &&
             plan->bound_bytes != moved->total)
        plan_fault(r, RULE_BOUND,
                   "an optimal plan moves %" PRId64 " bytes, but its bound_bytes is %" PRId64,
                   moved->total, plan->bound_bytes);
    else if (plan->outcome == MBS_OPTIMAL && plan->objective != MBS_TRAFFIC &&
             plan->bound_bytes != 0)
        plan_fault(r, RULE_BOUND,
                   "a plan that is optimal for another objective than traffic has no bound on "
                   "bytes, but its bound_bytes is %" PRId64,
                   plan->bound_bytes);
}

/* Against the plan in the given order. */
static void check_given(replay *r)
{
    const mbs_plan *plan = r->plan;
    if (plan->given_bytes < 0 || (plan->given_bytes > 0 && plan->given_bytes < r->moved.total))
        plan_fault(r, RULE_BOUND,
                   "given_bytes is %" PRId64 ", expected 0 or no less than the %" PRId64
                   " bytes moved in total",
                   plan->given_bytes, r->moved.total);
    else if (plan->given_bound_bytes < 0 || plan->given_bound_bytes > plan->given_bytes)
        plan_fault(r, RULE_BOUND,
                   "given_bound_bytes is %" PRId64 ", expected 0 to the %" PRId64
                   " bytes of given_bytes",
                   plan->given_bound_bytes, plan->given_bytes);
}

static void sum_up(replay *r)
{
    mbs_traffic *moved = &r->moved;
    bool fits = checked_add(moved->activation_read, moved->activation_write, &moved->total) &&
                checked_add(moved->total, moved->weight_read, &moved->total) &&
                checked_add(moved->total, moved->weight_gradient, &moved->total) &&
                checked_add(moved->total, moved->optimizer, &moved->total);
    if (fits)
        return;
    plan_fault(r, RULE_RANGE, "the bytes moved in total exceed 64 bits");
    r->overflow = true;
}

static bool has_strips(const mbs_plan *plan)
{
    for (int32_t g = 0; g < plan->group_count; g++)
        if (plan->groups[g].strips != 1)
            return true;
    return false;
}

static mbs_status open_strips(replay *r)
{
    const mbs_program *p = r->program;
    strip_state *strips = &r->strips;
    strips->tensors = mem_zeroed(p->tensor_count, sizeof *strips->tensors);
    strips->steps = mem_zeroed(p->step_count, sizeof *strips->steps);
    strips->touched = mem_zeroed(p->tensor_count, sizeof *strips->touched);
    if (strips->tensors == NULL || strips->steps == NULL || strips->touched == NULL)
        return error_memory(r->error);
    for (int32_t id = 0; id < p->tensor_count; id++)
        strips->tensors[id].group = -1;
    return MBS_OK;
}

static mbs_status open_replay(replay *r)
{
    const mbs_program *p = r->program;
    r->arrives = mem_zeroed(p->touch_count, sizeof *r->arrives);
    r->stores = mem_zeroed(p->tensor_count, sizeof *r->stores);
    r->last_touch = mem_zeroed(p->tensor_count, sizeof *r->last_touch);
    r->writer = mem_zeroed(p->tensor_count, sizeof *r->writer);
    r->step_of = mem_zeroed(p->step_count, sizeof *r->step_of);
    r->statistics = mem_zeroed(p->tensor_count, sizeof *r->statistics);
    r->tensors = mem_zeroed(p->tensor_count, sizeof *r->tensors);
    r->done = mem_zeroed(p->step_count, sizeof *r->done);
    r->told = mem_zeroed(p->step_count, sizeof *r->told);
    if (r->arrives == NULL || r->stores == NULL || r->last_touch == NULL || r->writer == NULL ||
        r->step_of == NULL || r->statistics == NULL || r->tensors == NULL || r->done == NULL ||
        r->told == NULL)
        return error_memory(r->error);
    return has_strips(r->plan) ? open_strips(r) : MBS_OK;
}

static void close_replay(replay *r)
{
    mem_free(r->arrives);
    mem_free(r->stores);
    mem_free(r->last_touch);
    mem_free(r->writer);
    mem_free(r->step_of);
    mem_free(r->statistics);
    mem_free(r->tensors);
    mem_free(r->done);
    mem_free(r->told);
    mem_free(r->strips.tensors);
    mem_free(r->strips.steps);
    mem_free(r->strips.touched);
}

mbs_status mbs_plan_verify(const mbs_plan *plan, mbs_traffic *counted, mbs_error *error)
{
    return verify_watched(plan, counted, NULL, error);
}

mbs_status verify_watched(const mbs_plan *plan, mbs_traffic *counted, plan_watch *watch,
                          mbs_error *error)
{
    replay r = {.plan = plan,
                .program = plan->program,
                .error = error,
                .watch = watch,
                .group = -1,
                .iteration = -1};
    mbs_status status = open_replay(&r);
    if (status == MBS_OK) {
        check_structure(&r);
        if (!r.broken)
            run_replay(&r);
        if (!r.broken && !r.overflow && !r.stopped)
            sum_up(&r);
        if (!r.broken && !r.overflow && !r.stopped) {
            check_figures(&r);
            check_given(&r);
        }
        status = r.faults > 0 ? MBS_ERR_VERIFY : r.stopped ? plan_watch_stopped(error) : MBS_OK;
    }
    close_replay(&r);
    if (counted != NULL)
        *counted = r.moved;
    return status;
}
