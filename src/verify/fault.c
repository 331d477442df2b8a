/* Messages about violated rules. */
#include <stdarg.h>
#include <stdio.h>

#include "verify/replay.h"

static const char *const rule_names[RULE_COUNT] = {
    [RULE_BATCH] = "batch",
    [RULE_BUFFER_SIZE] = "buffer-size",
    [RULE_PROGRAM] = "program",
    [RULE_ROWS] = "rows",
    [RULE_UNREAD] = "unread",
    [RULE_PHASE] = "phase",
    [RULE_ORDER] = "order",
    [RULE_GROUPS] = "groups",
    [RULE_ITERATIONS] = "iterations",
    [RULE_STRIPS] = "strips",
    [RULE_COUPLED] = "coupled",
    [RULE_MODE] = "mode",
    [RULE_PASSES] = "passes",
    [RULE_PINNED] = "pinned",
    [RULE_IN_PLACE] = "in-place",
    [RULE_WORK] = "work",
    [RULE_RANGE] = "range",
    [RULE_CAPACITY] = "capacity",
    [RULE_DRAM_READ] = "dram-read",
    [RULE_BUFFER_USE] = "buffer-use",
    [RULE_WRITTEN_ONCE] = "written-once",
    [RULE_RESIDENCY] = "residency",
    [RULE_COMPLETE] = "complete",
    [RULE_PEAK] = "peak",
    [RULE_TRAFFIC] = "traffic",
    [RULE_BOUND] = "bound",
};

/* Whether another message's text would be kept; a plan can break rules a million times. */
static bool is_shown(const replay *r)
{
    return r->error != NULL && r->error->count < MBS_ERROR_MESSAGES;
}

static void report(replay *r, rule which, const char *place, const char *format, va_list arguments)
    MBS_PRINTF(4, 0);
static void report(replay *r, rule which, const char *place, const char *format, va_list arguments)
{
    char message[MBS_ERROR_MESSAGE_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    error_set(r->error, MBS_ERR_VERIFY, "%s: %s [%s]", place, message, rule_names[which]);
}

quoted_text tensor_name(const replay *r, int32_t tensor)
{
    return quoted(r->program->tensors[tensor].name);
}

void plan_fault(replay *r, rule which, const char *format, ...)
{
    r->faults++;
    char place[QUOTED_BYTES + 16] = "";
    if (is_shown(r))
        snprintf(place, sizeof place, "plan of %s", quoted(r->program->network_name).text);
    va_list arguments;
    va_start(arguments, format);
    report(r, which, place, format, arguments);
    va_end(arguments);
}

void group_fault(replay *r, rule which, int32_t group, const char *format, ...)
{
    r->faults++;
    const mbs_group *g = &r->plan->groups[group];
    char place[80] = "";
    if (is_shown(r))
        snprintf(place, sizeof place, "group %d (steps %d to %lld)", group, g->first,
                 (long long)g->end - 1);
    va_list arguments;
    va_start(arguments, format);
    report(r, which, place, format, arguments);
    va_end(arguments);
}

void step_fault(replay *r, rule which, int32_t step, const char *format, ...)
{
    if (r->told[step] >> which & 1u)
        return;
    r->told[step] |= UINT32_C(1) << which;
    r->faults++;
    char place[QUOTED_BYTES + 80] = "";
    if (is_shown(r)) {
        const char *name = r->program->steps[step].name;
        if (r->group < 0)
            snprintf(place, sizeof place, "step %d %s", step, quoted(name).text);
        else if (r->iteration < 0)
            snprintf(place, sizeof place, "step %d %s (group %d)", step, quoted(name).text,
                     r->group);
        else
            snprintf(place, sizeof place, "step %d %s (group %d, %s %d)", step, quoted(name).text,
                     r->group, r->plan->groups[r->group].strips == 1 ? "iteration" : "strip",
                     r->iteration);
    }
    va_list arguments;
    va_start(arguments, format);
    report(r, which, place, format, arguments);
    va_end(arguments);
}
