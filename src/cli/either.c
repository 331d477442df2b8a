#include "either.h"

#include <stdlib.h>

#include "import.h"
#include "output.h"
#include "planning.h"
#include "shipped.h"

static int check_plan_options(const arguments *given)
{
    static const char *const planning[] = {
        "buffer",     "batch",     "planner",    "objective",     "weight",    "no-pin",
        "gap",        "inference", "batch-norm", "optimizer",     "no-stream", "no-strips",
        "in-place",   "order",     "recompute",  "max-recompute", "max-dram",  "time-limit",
        "work-limit", "no-fold",   "fuse",       "effort",        NULL};
    for (int i = 0; planning[i] != NULL; i++)
        if (option_value(given, planning[i]) != NULL) {
            complain("--%s: %s is a plan already", planning[i], given->operand);
            return EXIT_USAGE;
        }
    return EXIT_OK;
}

int load_network_or_plan(setup *of, mbs_plan **plan, const arguments *given)
{
    mbs_error error;
    mbs_error_clear(&error);
    *plan = NULL;
    if (is_onnx_path(given->operand))
        return load_network(&of->network, given, given->operand);
    int status = check_import_options(given);
    if (status != EXIT_OK)
        return status;
    char *path;
    status = shipped_find(&path, SHIPPED_NETWORK, given->operand);
    if (status != EXIT_OK)
        return status;
    status = report_error(mbs_load_file(&of->network, plan, path, &error), &error);
    free(path);
    if (status != EXIT_OK)
        return status;
    return *plan != NULL ? check_plan_options(given) : fuse_network(&of->network, given);
}

int plan_or_load(mbs_plan **plan, setup *of, mbs_recompute_options recompute,
                 const mbs_plan_options *options, const arguments *given)
{
    mbs_error error;
    mbs_error_clear(&error);
    int status = load_network_or_plan(of, plan, given);
    if (status != EXIT_OK)
        return status;
    if (*plan == NULL)
        return report_error(planning_network(plan, of, recompute, options, &error), &error);
    note_other_hardware(*plan, &of->hardware);
    return report_error(mbs_plan_verify(*plan, NULL, &error), &error);
}
