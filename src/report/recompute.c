#include "report/recompute.h"

#include "report/figures.h"

static void put_kind(text *out, size_t count, const char *kind, const char **separator)
{
    if (count == 0)
        return;
    text_format(out, "%s%zu %s%s", *separator, count, kind, count == 1 ? "" : "s");
    *separator = ", ";
}

void put_recompute(text *out, const mbs_plan *plan, const mbs_plan *plain)
{
    mbs_recompute_info info;
    mbs_traffic with;
    mbs_traffic without;
    const char *separator = " in the backward phase: ";
    if (plain == NULL)
        return;
    mbs_plan_recompute(plan, &info);
    mbs_plan_traffic(plan, &with);
    mbs_plan_traffic(plain, &without);
    text_string(out, info.layers > 0 ? "recomputed" : "nothing is recomputed");
    put_kind(out, info.norms, "norm", &separator);
    put_kind(out, info.convolutions, "convolution", &separator);
    put_kind(out, info.activations, "other layer", &separator);
    if (info.anew > 0)
        text_format(out, "; %zu %s once more", info.anew, info.anew == 1 ? "step" : "steps");
    if (info.layers > 0)
        text_format(out, "\n%s %% more multiply-accumulates",
                    figure_ratio((int64_t)(10 * info.macs_percent + 0.5), 10, 1).text);
    const bool less = with.total <= without.total;
    const int64_t change = less ? without.total - with.total : with.total - without.total;
    text_format(out, "; traffic %s %% %s than %s without recomputing\n",
                figure_percent(change, without.total).text, less ? "less" : "more",
                figure_traffic(without.total).text);
}
