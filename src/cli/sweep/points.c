/* The points of a sweep, and what they are made of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "output.h"
#include "setup.h"
#include "sweep/sweep.h"

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* ---- Machines -------------------------------------------------------------------------------- */

static bool same_words(const mbs_hardware *a, const mbs_hardware *b)
{
    return a->bits.activation == b->bits.activation && a->bits.weight == b->bits.weight &&
           a->bits.accumulator == b->bits.accumulator && a->bits.mask == b->bits.mask;
}

/* Plans of least traffic depend on nothing else of a machine; what they take does. */
static bool same_plans(const sweep *of, const mbs_hardware *a, const mbs_hardware *b)
{
    return same_words(a, b) && a->reserved_bytes == b->reserved_bytes &&
           a->norm_passes == b->norm_passes &&
           (of->buffers.values[0] != 0 || a->buffer_bytes == b->buffer_bytes);
}

static int relate_machine(sweep *of, size_t index)
{
    sweep_machine *machine = &of->machines[index];
    machine->same_words = machine->same_plans = index;
    for (size_t i = index; i-- > 0;) {
        const mbs_hardware *other = &of->machines[i].hardware;
        if (strcmp(other->name, machine->hardware.name) == 0) {
            complain("--hardware: two machines are named %s; their rows could not be told apart",
                     other->name);
            return EXIT_BAD_INPUT;
        }
        if (same_words(other, &machine->hardware))
            machine->same_words = i;
        if (same_plans(of, other, &machine->hardware))
            machine->same_plans = i;
    }
    return EXIT_OK;
}

static int load_machine(sweep *of, const char *path, const arguments *given)
{
    mbs_error error;
    mbs_error_clear(&error);
    const size_t index = of->machine_count++;
    mbs_hardware *hardware = &of->machines[index].hardware;
    int status = report_error(mbs_hardware_load_file(hardware, path, &error), &error);
    if (status == EXIT_OK && !setup_cycle_model(hardware, given))
        status = EXIT_USAGE;
    return status == EXIT_OK ? relate_machine(of, index) : status;
}

static int load_machines(sweep *of, const arguments *given)
{
    size_t count = 1;
    const char *list;
    for (size_t i = 0; (list = option_nth(given, "hardware", i)) != NULL; i++)
        count += count_items(list);
    of->machines = calloc(count, sizeof *of->machines);
    if (of->machines == NULL)
        return out_of_memory();
    if (count == 1) {
        of->machine_count = 1;
        mbs_hardware_wavecore(&of->machines[0].hardware);
        return setup_cycle_model(&of->machines[0].hardware, given) ? EXIT_OK : EXIT_USAGE;
    }
    int status = EXIT_OK;
    for (size_t i = 0; (list = option_nth(given, "hardware", i)) != NULL; i++) {
        for (size_t left = count_items(list); left > 0 && status == EXIT_OK; left--) {
            char *path = next_item(&list);
            status = path == NULL ? out_of_memory() : load_machine(of, path, given);
            free(path);
        }
    }
    return status;
}

/* ---- Networks -------------------------------------------------------------------------------- */

static mbs_status make_programs(const sweep *of, sweep_network *to, mbs_error *error)
{
    mbs_status status = MBS_OK;
    for (size_t i = 0; i < 2 * of->machine_count && status == MBS_OK; i++) {
        const sweep_machine *machine = &of->machines[i / 2];
        mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
        if (machine->same_words != i / 2)
            continue;
        options.inference = of->inference;
        options.keep_batch_norm = i % 2 == 1 || of->keep_batch_norm;
        options.bits = machine->hardware.bits;
        status = mbs_program_create(&to->programs[i], to->network, &options, error);
    }
    return status;
}

static int add_network(sweep *of, const arguments *given, const char *path)
{
    sweep_network *to = &of->networks[of->network_count++];
    mbs_error error;
    mbs_error_clear(&error);
    to->programs = calloc(2 * of->machine_count, sizeof *to->programs);
    if (to->programs == NULL)
        return out_of_memory();
    int status = load_network(&to->network, given, path);
    if (status == EXIT_OK)
        status = report_error(make_programs(of, to, &error), &error);
    if (status != EXIT_OK)
        return status;
    const char *name = mbs_network_name(to->network);
    for (size_t n = 0; n + 1 < of->network_count; n++)
        if (strcmp(mbs_network_name(of->networks[n].network), name) == 0) {
            complain("%s: two networks are named %s; their rows could not be told apart", path,
                     name);
            return EXIT_BAD_INPUT;
        }
    return EXIT_OK;
}

static int count_points(sweep *of)
{
    const size_t factors[] = {of->network_count, of->buffers.count, of->batches.count,
                              of->planners.count, of->machine_count};
    of->point_count = 1;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
        if (factors[i] > MOST_POINTS / of->point_count) {
            complain("the sweep has more than %d points", MOST_POINTS);
            return EXIT_BAD_INPUT;
        }
        of->point_count *= factors[i];
    }
    return EXIT_OK;
}

int sweep_load(sweep *of, const arguments *given)
{
    int status = load_machines(of, given);
    of->networks = calloc(given->operand_count, sizeof *of->networks);
    if (of->networks == NULL)
        return out_of_memory();
    for (size_t n = 0; n < given->operand_count && status == EXIT_OK; n++)
        status = add_network(of, given, given->operands[n]);
    return status == EXIT_OK ? count_points(of) : status;
}

void sweep_free(sweep *of)
{
    for (size_t n = 0; n < of->network_count; n++) {
        sweep_network *network = &of->networks[n];
        for (size_t i = 0; network->programs != NULL && i < 2 * of->machine_count; i++)
            mbs_program_free(network->programs[i]);
        free(network->programs);
        mbs_network_free(network->network);
    }
    free(of->networks);
    free(of->machines);
    number_list_free(&of->buffers);
    number_list_free(&of->batches);
}

/* ---- Points ---------------------------------------------------------------------------------- */

/* Takes the digit of one list off what is left of an index. */
static size_t take_place(size_t *index, size_t count)
{
    size_t place = *index % count;
    *index /= count;
    return place;
}

sweep_point sweep_point_at(const sweep *of, size_t index)
{
    sweep_point at = {.index = index};
    at.machine = take_place(&index, of->machine_count);
    at.planner = take_place(&index, of->planners.count);
    at.batch = take_place(&index, of->batches.count);
    at.buffer = take_place(&index, of->buffers.count);
    at.network = index;
    return at;
}

int64_t sweep_buffer_bytes(const sweep *of, const sweep_point *at)
{
    const int64_t bytes = of->buffers.values[at->buffer];
    return bytes != 0 ? bytes : of->machines[at->machine].hardware.buffer_bytes;
}

bool sweep_keeps_batch_norms(const sweep *of, const sweep_point *at)
{
    return of->keep_batch_norm || planner_keeps_batch_norms(of->planners.values[at->planner]);
}

bool sweep_recomputes(const sweep *of, const sweep_point *at)
{
    return of->recompute.recompute != MBS_RECOMPUTE_NONE && !of->inference &&
           mbs_planner_recomputes(of->planners.values[at->planner]);
}

size_t sweep_plan_machine(const sweep *of, const sweep_point *at)
{
    const mbs_planner planner = of->planners.values[at->planner];
    const bool costs_matter =
        of->objective != MBS_TRAFFIC && (planner == MBS_PLANNER_DP || sweep_recomputes(of, at));
    return costs_matter ? at->machine : of->machines[at->machine].same_plans;
}

mbs_program_options sweep_program_options(const sweep *of, const sweep_point *at)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    options.inference = of->inference;
    options.keep_batch_norm = sweep_keeps_batch_norms(of, at);
    options.bits = of->machines[at->machine].hardware.bits;
    return options;
}

const mbs_program *sweep_program(const sweep *of, const sweep_point *at)
{
    const size_t machine = of->machines[at->machine].same_words;
    return of->networks[at->network].programs[2 * machine + sweep_keeps_batch_norms(of, at)];
}

size_t sweep_shard_size(const sweep *of)
{
    return of->point_count > of->shard ? (of->point_count - of->shard - 1) / of->shards + 1 : 0;
}

size_t sweep_shard_index(const sweep *of, size_t position)
{
    return of->shard + position * of->shards;
}
