/* Advice as JSON and CSV. */
#include <inttypes.h>
#include <stdlib.h>

#include "advise/advise.h"
#include "fields.h"
#include "search.h"

/* ---- CSV ------------------------------------------------------------------------------------- */

static void put_csv_row(FILE *out, const advise_run *of, const advice *found,
                        const size_t places[4])
{
    const sweep *all = &of->sweep;
    const compare_row *row = advise_row(of, places[0], places[1], places[2], places[3], 1);
    const compare_row *base = advise_row(of, places[0], places[1], places[2], places[3], 0);
    put_csv(out, mbs_network_name(all->networks[places[0]].network));
    fprintf(out, ",%s,%" PRId64 ",%" PRId64 ",", all->inference ? "inference" : "training",
            all->batches.values[places[1]], all->buffers.values[places[2]]);
    put_csv(out, all->machines[places[3]].hardware.name);
    fprintf(out, ",%s,%" PRId64 ",%" PRId64 ",%s", mbs_planner_name(all->planners.values[1]),
            row->traffic.total, base->traffic.total, field_number(row->traffic_ratio).text);
    fprintf(out, ",%s,%s", field_number(row->cost.time_s).text,
            field_number(base->cost.time_s).text);
    fprintf(out, ",%s,%s", field_number(row->speedup).text, field_number(row->cost.energy_j).text);
    fprintf(out, ",%s,%s", field_number(base->cost.energy_j).text,
            field_number(row->energy_ratio).text);
    fprintf(out, ",%d,%d,%d,%d\n", found->traffic_knee == places[2],
            found->time_knee[places[3]] == places[2], found->enough_from[places[3]] <= places[2],
            found->buffer == places[2] && found->machine == places[3]);
}

/* Those of one network at one mini-batch; false if memory is out. */
static bool put_csv_rows(FILE *out, const advise_run *of, size_t network, size_t batch)
{
    advice found;
    const bool known = advise_find(&found, of, network, batch);
    for (size_t b = 0; b < of->sweep.buffers.count && known; b++)
        for (size_t m = 0; m < of->sweep.machine_count; m++)
            put_csv_row(out, of, &found, (const size_t[]){network, batch, b, m});
    advise_free(&found);
    return known;
}

bool advise_put_rows(FILE *out, const advise_run *of)
{
    bool good = true;
    fprintf(out, "network,phase,batch,buffer_bytes,hardware,planner,total_bytes,baseline_bytes,"
                 "traffic_ratio,time_s,baseline_time_s,speedup,energy_j,baseline_energy_j,"
                 "energy_ratio,traffic_knee,time_knee,enough,advised\n");
    for (size_t n = 0; n < of->sweep.network_count && good; n++)
        for (size_t i = 0; i < of->sweep.batches.count && good; i++)
            good = put_csv_rows(out, of, n, i);
    return good;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The buffer at the place, or null. */
static void put_buffer(FILE *out, const advise_run *of, const char *name, size_t place)
{
    fprintf(out, ", \"%s\": ", name);
    if (place == ADVISE_NONE)
        fputs("null", out);
    else
        fprintf(out, "%" PRId64, of->sweep.buffers.values[place]);
}

static void put_point(FILE *out, const advise_run *of, size_t network, size_t batch, size_t buffer,
                      size_t machine)
{
    const compare_row *row = advise_row(of, network, batch, buffer, machine, 1);
    const compare_row *base = advise_row(of, network, batch, buffer, machine, 0);
    fprintf(out, "{\"buffer_bytes\": %" PRId64, of->sweep.buffers.values[buffer]);
    fprintf(out, ", \"total_bytes\": %" PRId64 ", \"baseline_bytes\": %" PRId64, row->traffic.total,
            base->traffic.total);
    put_json_member(out, "traffic_ratio", row->traffic_ratio);
    put_json_member(out, "time_s", row->cost.time_s);
    put_json_member(out, "baseline_time_s", base->cost.time_s);
    put_json_member(out, "speedup", row->speedup);
    put_json_member(out, "energy_j", row->cost.energy_j);
    put_json_member(out, "baseline_energy_j", base->cost.energy_j);
    put_json_member(out, "energy_ratio", row->energy_ratio);
    fputc('}', out);
}

static void put_machine(FILE *out, const advise_run *of, const advice *found, size_t network,
                        size_t batch, size_t machine)
{
    fprintf(out, "%s\n     {\"hardware\": ", machine > 0 ? "," : "");
    put_json(out, of->sweep.machines[machine].hardware.name);
    put_buffer(out, of, "time_knee_bytes", found->time_knee[machine]);
    put_buffer(out, of, "enough_from_bytes", found->enough_from[machine]);
    fprintf(out, ", \"points\": [");
    for (size_t b = 0; b < of->sweep.buffers.count; b++) {
        fprintf(out, "%s\n       ", b > 0 ? "," : "");
        put_point(out, of, network, batch, b, machine);
    }
    fprintf(out, "]}");
}

/* The sentence as a JSON string; false if memory is out. */
static bool put_sentence(FILE *out, const advise_run *of, const advice *found, size_t network,
                         size_t batch)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (memory == NULL)
        return false;
    advise_put_sentence(memory, of, found, network, batch);
    const bool good = fclose(memory) == 0;
    if (good)
        put_json(out, text);
    free(text);
    return good;
}

static bool put_advice(FILE *out, const advise_run *of, size_t network, size_t batch)
{
    const sweep *all = &of->sweep;
    advice found;
    bool good = advise_find(&found, of, network, batch);
    if (good) {
        fprintf(out, "    {\"network\": ");
        put_json(out, mbs_network_name(all->networks[network].network));
        fprintf(out, ", \"batch\": %" PRId64, all->batches.values[batch]);
        put_buffer(out, of, "traffic_knee_bytes", found.traffic_knee);
        put_buffer(out, of, "advised_buffer_bytes", found.buffer);
        fprintf(out, ", \"advised_hardware\": ");
        put_json(out, all->machines[found.machine].hardware.name);
        fprintf(out, ",\n     \"sentence\": ");
        good = put_sentence(out, of, &found, network, batch);
        fprintf(out, ",\n     \"machines\": [");
        for (size_t m = 0; m < all->machine_count; m++)
            put_machine(out, of, &found, network, batch, m);
        fprintf(out, "]}");
    }
    advise_free(&found);
    return good;
}

bool advise_put_document(FILE *out, const advise_run *of)
{
    const sweep *all = &of->sweep;
    bool good = true;
    fprintf(out,
            "{\n  \"format\": \"mbsopt-advice/1\",\n  \"phase\": \"%s\",\n  \"planner\": \"%s\",\n"
            "  \"objective\": \"%s\",\n  \"within_percent\": %d,\n  \"advice\": [",
            all->inference ? "inference" : "training", mbs_planner_name(all->planners.values[1]),
            objective_name(all->objective), ADVISE_WITHIN_PERCENT);
    for (size_t n = 0; n < all->network_count && good; n++)
        for (size_t i = 0; i < all->batches.count && good; i++) {
            fputs(n + i > 0 ? ",\n" : "\n", out);
            good = put_advice(out, of, n, i);
        }
    fprintf(out, "\n  ]\n}\n");
    return good;
}
