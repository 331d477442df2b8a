/* mbsopt verify PLAN */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "output.h"
#include "table.h"

/* `origin`: what the file says made it, which nobody can check. */
static int print_verdict(const char *label, const mbs_plan *plan, const mbs_traffic *counted,
                         const char *origin)
{
    const size_t groups = mbs_plan_group_count(plan);
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    page verdict;
    page_begin(&verdict, output_width(NULL));
    char updates[64] = "";
    if (counted->optimizer > 0)
        snprintf(updates, sizeof updates, "; optimizer %" PRId64, counted->optimizer);
    if (verdict.out != NULL) {
        fprintf(verdict.out,
                "%s: ok, %zu group%s, %zu step%s, %" PRId64
                " bytes per step and core as the plan says (activations read %" PRId64
                ", written %" PRId64 "; weights %" PRId64 "; weight gradients %" PRId64 "%s)\n",
                label, groups, groups == 1 ? "" : "s", steps, steps == 1 ? "" : "s", counted->total,
                counted->activation_read, counted->activation_write, counted->weight_read,
                counted->weight_gradient, updates);
        fputs(origin, verdict.out);
    }
    return page_print(&verdict);
}

static int run_verify(const arguments *given)
{
    const char *label = strcmp(given->operand, "-") == 0 ? "standard input" : given->operand;
    mbs_plan *plan = NULL;
    char *origin = NULL;
    mbs_traffic counted = {0};
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_file(&plan, given->operand, &error);
    stage_done("load");
    if (status == MBS_OK)
        status = mbs_plan_verify(plan, &counted, &error);
    stage_done("verify");
    if (status == MBS_OK)
        status = mbs_report_plan_origin(&origin, plan, &error);
    int result = status == MBS_OK ? print_verdict(label, plan, &counted, origin)
                                  : report_error(status, &error);
    mbs_free(origin);
    mbs_plan_free(plan);
    return result;
}

const command command_verify = {
    .name = "verify",
    .operand = "PLAN",
    .operand_required = 1,
    .summary = "replay a plan file and check every rule and figure",
    .details =
        "Executes the plan file PLAN (- is standard input) iteration by iteration against a\n"
        "modelled buffer and DRAM, with no use of what made it. Each broken rule is named with "
        "the\n"
        "step and the numbers; the exit status is then 4. It vouches for what the plan moves and\n"
        "holds. That no other plan moves less is the planner's word; but a plan that is called\n"
        "optimal must have a bound, and move no more than it (one for time or energy has none).\n",
    .run = run_verify,
};
