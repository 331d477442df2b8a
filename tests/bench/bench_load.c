/* How long the largest files take to load: a network of a million layers, and its plan. */
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAYERS 1000000

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double start_s;

static void report(const char *what, mbs_status status)
{
    printf("%-28s %6.2f s%s%s\n", what, now_s() - start_s, status == MBS_OK ? "" : " ",
           status == MBS_OK ? "" : mbs_status_text(status));
    fflush(stdout);
    start_s = now_s();
}

/* Each layer reads the one before; `step` 1 in the order that they run, -1 backwards. */
static char *make_chain(int first, int step)
{
    const size_t room = (size_t)LAYERS * 64 + 256;
    char *text = malloc(room);
    if (text == NULL)
        return NULL;
    size_t used = (size_t)snprintf(text, room,
                                   "{\"format\": \"mbsopt-network/1\", \"name\": \"chain\", "
                                   "\"inputs\": [{\"name\": \"l0\", \"shape\": [4, 8, 8]}], "
                                   "\"layers\": [");
    for (int i = 0, layer = first; i < LAYERS; i++, layer += step)
        used += (size_t)snprintf(text + used, room - used,
                                 "%s{\"name\":\"l%d\",\"op\":\"relu\",\"inputs\":[\"l%d\"]}",
                                 i > 0 ? "," : "", layer, layer - 1);
    snprintf(text + used, room - used, "]}");
    return text;
}

static mbs_network *load(const char *what, char *text)
{
    mbs_network *network = NULL;
    start_s = now_s();
    if (text != NULL)
        report(what, mbs_network_load_text(&network, text, strlen(text), "chain", NULL));
    free(text);
    return network;
}

static void plan_and_reload(const mbs_program *program)
{
    mbs_hardware hardware;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan = NULL;
    mbs_plan *again = NULL;
    char *text = NULL;
    mbs_hardware_wavecore(&hardware);
    options.planner = MBS_PLANNER_BASELINE;
    report("plan and verify (baseline)",
           mbs_plan_create(&plan, program, &hardware, &options, NULL));
    if (plan != NULL)
        report("write the plan", mbs_plan_to_json(&text, plan, NULL));
    if (text != NULL)
        report("load the plan", mbs_plan_load_text(&again, text, strlen(text), "plan", NULL));
    if (again != NULL)
        report("verify the plan", mbs_plan_verify(again, NULL, NULL));
    mbs_free(text);
    mbs_plan_free(again);
    mbs_plan_free(plan);
}

int main(void)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program = NULL;
    options.inference = 1;
    printf("%d layers; processor time\n", LAYERS);
    mbs_network_free(load("load, layers in reverse", make_chain(LAYERS, -1)));
    mbs_network *network = load("load, layers in order", make_chain(1, 1));
    if (network != NULL)
        report("build the program", mbs_program_create(&program, network, &options, NULL));
    mbs_network_free(network);
    if (program != NULL)
        plan_and_reload(program);
    mbs_program_free(program);
    return 0;
}
