#include "report/origin.h"

#include "mbsopt/report.h"
#include "report/grid.h"

void put_origin(text *out, const mbs_plan *plan)
{
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    if (origin.program == NULL)
        return;
    text_string(out, "made by ");
    text_safe(out, origin.program);
    text_string(out, " for ");
    text_safe(out, origin.hardware);
    text_string(out, " (");
    text_safe(out, origin.hardware_digest);
    text_string(out, "): ");
    text_safe(out, origin.options);
    text_string(out, "\n");
}

mbs_status mbs_report_plan_origin(char **result, const mbs_plan *plan, mbs_error *error)
{
    text out = TEXT_INIT;
    put_origin(&out, plan);
    return text_finish(&out, result, error);
}
