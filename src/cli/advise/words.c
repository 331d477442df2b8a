/* Advice in words. */
#include <math.h>
#include <string.h>

#include "advise/advise.h"
#include "fields.h"

const char *advise_machine_name(const advise_run *of, size_t machine)
{
    const sweep *all = &of->sweep;
    const char *memory = all->machines[machine].hardware.memory_name;
    bool is_own = memory[0] != '\0';
    for (size_t m = 0; m < all->machine_count && is_own; m++)
        is_own = m == machine || strcmp(all->machines[m].hardware.memory_name, memory) != 0;
    return is_own ? memory : all->machines[machine].hardware.name;
}

/* "12 MiB would save 4.0 % more", of traffic, or that nothing larger saves anything. */
static void put_next(FILE *out, const advise_run *of, const advice *found, size_t network,
                     size_t batch)
{
    const number_list *buffers = &of->sweep.buffers;
    const size_t next = found->buffer + 1;
    if (next >= buffers->count)
        return;
    const double saving = 100 * advise_saving(of, network, batch, found->buffer, next);
    fprintf(out, "; %s would %s", field_space(buffers->values[next]).text,
            saving > 0 ? "save " : "move ");
    if (saving > 0)
        fprintf(out, "%s %% more traffic", field_fixed(saving, 1, "").text);
    else if (saving < 0)
        fprintf(out, "%s %% more", field_fixed(-saving, 1, "").text);
    else
        fprintf(out, "as much");
}

/* "4 MiB would save 31.5 % of the traffic and take 46.2 % longer": what traffic asks for, and why
 * it is not advised. */
static void put_sparing(FILE *out, const advise_run *of, const advice *found, size_t network,
                        size_t batch)
{
    const double time =
        advise_row(of, network, batch, found->sparing, found->machine, 1)->cost.time_s;
    const double advised =
        advise_row(of, network, batch, found->buffer, found->machine, 1)->cost.time_s;
    const double saving = advise_saving(of, network, batch, found->buffer, found->sparing);
    fprintf(out, "; %s would move %s %% %s and take %s %% longer",
            field_space(of->sweep.buffers.values[found->sparing]).text,
            field_fixed(100 * fabs(saving), 1, "").text, saving < 0 ? "more" : "less",
            field_fixed(100 * (time / advised - 1), 1, "").text);
}

/* "LPDDR4 is enough from 8 MiB on", of the memory of the least bandwidth. */
static void put_slowest(FILE *out, const advise_run *of, const advice *found)
{
    const sweep *all = &of->sweep;
    size_t slowest = 0;
    for (size_t m = 1; m < all->machine_count; m++)
        if (all->machines[m].hardware.bandwidth_bytes_per_s <
            all->machines[slowest].hardware.bandwidth_bytes_per_s)
            slowest = m;
    const size_t from = found->enough_from[slowest];
    if (all->machine_count == 1)
        return;
    fprintf(out, "; ");
    put_safe(out, advise_machine_name(of, slowest));
    if (from == ADVISE_NONE)
        fprintf(out, " is not enough even with %s",
                field_space(all->buffers.values[all->buffers.count - 1]).text);
    else if (from == 0)
        fprintf(out, " is enough with each of these buffers");
    else
        fprintf(out, " is enough from %s on", field_space(all->buffers.values[from]).text);
}

void advise_put_sentence(FILE *out, const advise_run *of, const advice *found, size_t network,
                         size_t batch)
{
    const compare_row *row = advise_row(of, network, batch, found->buffer, found->machine, 1);
    const double bytes = (double)row->traffic.total;
    const field_scale traffic = field_scale_bytes(bytes);
    const field_scale time = field_scale_seconds(row->cost.time_s);
    fprintf(out, "%s with ", field_space(of->sweep.buffers.values[found->buffer]).text);
    put_safe(out, advise_machine_name(of, found->machine));
    fprintf(out, " takes %s %s", field_fixed(row->cost.time_s / time.factor, 2, "").text,
            time.name);
    fprintf(out, " and moves %s %s", field_fixed(bytes / traffic.factor, 3, "").text, traffic.name);
    fprintf(out, ", %s times as fast as baseline with %s %% of its traffic",
            field_fixed(row->speedup, 2, "").text,
            field_fixed(100 * row->traffic_ratio, 1, "").text);
    if (found->buffer == found->sparing)
        put_next(out, of, found, network, batch);
    else
        put_sparing(out, of, found, network, batch);
    put_slowest(out, of, found);
    if (row->speedup < 1 && of->sweep.objective == MBS_TRAFFIC &&
        of->sweep.planners.values[1] == MBS_PLANNER_DP)
        fprintf(out, "; less traffic takes more time here, which --objective time weighs");
    fprintf(out, ".");
}

void advise_put_memories(FILE *out, const advise_run *of, const advice *found, size_t network,
                         size_t batch)
{
    const sweep *all = &of->sweep;
    const size_t last = all->buffers.count - 1;
    const size_t fastest = advise_fastest(of, network, batch, last);
    const double least = advise_row(of, network, batch, last, fastest, 1)->cost.time_s;
    for (size_t m = 0; m < all->machine_count && all->machine_count > 1; m++) {
        const size_t from = found->enough_from[m];
        const double time = advise_row(of, network, batch, last, m, 1)->cost.time_s;
        fputs(m > 0 ? ", " : "Enough: ", out);
        put_safe(out, advise_machine_name(of, m));
        if (from != ADVISE_NONE)
            fprintf(out, " from %s on", field_space(all->buffers.values[from]).text);
        else
            fprintf(out, " not even with %s (%s %% longer)",
                    field_space(all->buffers.values[last]).text,
                    field_fixed(100 * (time / least - 1), 1, "").text);
    }
    fputs(all->machine_count > 1 ? ".\n" : "", out);
}
