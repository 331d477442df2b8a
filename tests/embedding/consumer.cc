// A C++ program that embeds mbsopt: the headers compile, and the calls link.
#include <mbsopt/mbsopt.h>

#include <cstdio>
#include <cstring>

int main(int argc, char **argv)
{
    mbs_network *network = nullptr;
    mbs_program *program = nullptr;
    mbs_plan *plan = nullptr;
    mbs_error error;
    mbs_hardware hardware;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    bool good = argc == 2 && std::strcmp(mbs_version(), MBS_VERSION) == 0 &&
                mbs_network_load_file(&network, argv[1], &error) == MBS_OK &&
                mbs_program_create(&program, network, &program_options, &error) == MBS_OK &&
                mbs_plan_create(&plan, program, &hardware, &plan_options, &error) == MBS_OK;
    std::printf("%s\n", good ? mbs_plan_planner_name(plan) : error.message[0]);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
    return good ? 0 : 1;
}
