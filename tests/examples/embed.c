/* Using mbsopt from a program of one's own: plan a network and print the groups of layers. */
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>

static int give_up(const mbs_error *error)
{
    for (size_t i = 0; i < error->count && i < MBS_ERROR_MESSAGES; i++)
        fprintf(stderr, "embed: %s\n", error->message[i]);
    return EXIT_FAILURE;
}

static void print_groups(const mbs_plan *plan)
{
    const mbs_program *program = mbs_plan_program(plan);
    for (size_t i = 0; i < mbs_plan_group_count(plan); i++) {
        mbs_group_info group;
        mbs_step_info first;
        mbs_step_info last;
        mbs_plan_group(plan, i, &group);
        mbs_program_step(program, group.first, &first);
        mbs_program_step(program, group.last, &last);
        printf("%s .. %s: %" PRId64 " iterations of %" PRId64 " samples\n", first.name, last.name,
               group.iterations, group.sub_batch);
    }
}

int main(int argc, char **argv)
{
    mbs_network *network = NULL;
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    if (argc != 2) {
        fprintf(stderr, "usage: embed NETWORK\n");
        return EXIT_FAILURE;
    }

    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    mbs_options options = MBS_OPTIONS_INIT;
    options.batch = 16;
    options.buffer_bytes = INT64_C(4) << 20;

    mbs_status status = mbs_network_load_file(&network, argv[1], &error);
    if (status == MBS_OK)
        status = mbs_plan_network(&plan, network, &hardware, &options, &error);
    if (status == MBS_OK) {
        mbs_traffic traffic;
        mbs_plan_traffic(plan, &traffic);
        print_groups(plan);
        printf("%" PRId64 " bytes of DRAM traffic per step and core\n", traffic.total);
    }

    mbs_plan_free(plan);
    mbs_network_free(network);
    return status == MBS_OK ? EXIT_SUCCESS : give_up(&error);
}
