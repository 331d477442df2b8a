/* What a sweep is made of, loaded: machines, networks and their programs. */
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "output.h"
#include "search.h"
#include "setup.h"
#include "sweep/sweep.h"

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* ---- Machines -------------------------------------------------------------------------------- */

static int relate_machine(sweep *of, size_t index)
{
    const char *name = of->machines[index].hardware.name;
    for (size_t i = index; i-- > 0;)
        if (strcmp(of->machines[i].hardware.name, name) == 0) {
            complain("--hardware: two machines are named %s; their rows could not be told apart",
                     name);
            return EXIT_BAD_INPUT;
        }
    sweep_relate_machine(of, index);
    return EXIT_OK;
}

static int load_machine(sweep *of, const char *path, const arguments *given)
{
    const size_t index = of->machine_count++;
    mbs_hardware *hardware = &of->machines[index].hardware;
    int status = load_hardware(hardware, path);
    if (status == EXIT_OK)
        status = setup_machine(hardware, given);
    return status == EXIT_OK ? relate_machine(of, index) : status;
}

/* The machines that the option names the `position`-th time, or those without it; null: no more. */
static const char *nth_list(const sweep *of, const arguments *given, size_t position)
{
    const char *list = option_nth(given, "hardware", position);
    return list == NULL && position == 0 ? of->default_machines : list;
}

static int load_machines(sweep *of, const arguments *given)
{
    size_t count = 0;
    const char *list;
    for (size_t i = 0; (list = nth_list(of, given, i)) != NULL; i++)
        count += count_items(list);
    of->machines = calloc(count + 1, sizeof *of->machines);
    if (of->machines == NULL)
        return out_of_memory();
    if (count == 0) {
        of->machine_count = 1;
        mbs_hardware_wavecore(&of->machines[0].hardware);
        return setup_machine(&of->machines[0].hardware, given);
    }
    int status = EXIT_OK;
    for (size_t i = 0; (list = nth_list(of, given, i)) != NULL; i++) {
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
        if (machine->same_words != i / 2)
            continue;
        const mbs_program_options options = search_program_options(
            &machine->hardware, of->inference, of->optimizer, i % 2 == 1 || of->keep_batch_norm);
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

static int load_networks(sweep *of, const arguments *given)
{
    int status = EXIT_OK;
    of->networks = calloc(given->operand_count, sizeof *of->networks);
    if (of->networks == NULL)
        return out_of_memory();
    for (size_t n = 0; n < given->operand_count && status == EXIT_OK; n++)
        status = add_network(of, given, given->operands[n]);
    if (status == EXIT_OK && !sweep_count_points(of)) {
        complain("the sweep has more than %d points", MOST_POINTS);
        status = EXIT_BAD_INPUT;
    }
    return status;
}

int sweep_load(sweep *of, const arguments *given)
{
    int status = load_machines(of, given);
    return status == EXIT_OK ? load_networks(of, given) : status;
}

int sweep_load_for(sweep *of, const mbs_hardware *hardware, const arguments *given)
{
    of->machines = calloc(1, sizeof *of->machines);
    if (of->machines == NULL)
        return out_of_memory();
    of->machines[0].hardware = *hardware;
    of->machine_count = 1;
    sweep_relate_machine(of, 0);
    return load_networks(of, given);
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
