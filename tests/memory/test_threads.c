/*
 * Eight threads load, plan, write and verify at once, each a network and planner of its own, and
 * must get to the byte what one thread alone gets. scripts/test.sh runs it under the thread
 * sanitizer.
 */
#include <mbsopt/mbsopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8
#define ROUNDS  3

typedef struct job {
    const char *network; /* below the source folder */
    mbs_planner planner;
    int64_t buffer_bytes;
    char *expected;
    int failures;
} job;

static job jobs[THREADS] = {
    {"models/networks/alexnet.json", MBS_PLANNER_DP, 4 << 20, NULL, 0},
    {"models/networks/resnet18.json", MBS_PLANNER_MBS2, 2 << 20, NULL, 0},
    {"models/networks/vgg16.json", MBS_PLANNER_IL, 8 << 20, NULL, 0},
    {"tests/fuzz/corpus/network/residual.json", MBS_PLANNER_ILP, 8192, NULL, 0},
    {"tests/fuzz/corpus/network/branches.json", MBS_PLANNER_ILP, 8192, NULL, 0},
    {"tests/fuzz/corpus/network/chain.json", MBS_PLANNER_BEST, 8192, NULL, 0},
    {"tests/fuzz/corpus/network/elementwise.json", MBS_PLANNER_MBS1, 4096, NULL, 0},
    {"models/networks/mobilenet_v2.json", MBS_PLANNER_BASELINE, 1 << 20, NULL, 0},
};

/* The plan as text, or null after saying what failed. */
static char *make_plan(const job *of)
{
    char path[1024];
    char *text = NULL;
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    mbs_plan *plan = NULL;
    mbs_plan *again = NULL;
    mbs_hardware hardware;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    plan_options.planner = of->planner;
    plan_options.batch = 4;
    plan_options.buffer_bytes = of->buffer_bytes;
    snprintf(path, sizeof path, "%s/%s", getenv("MBS_SOURCE_DIR"), of->network);
    mbs_status status = mbs_network_load_file(&network, path, &error);
    if (status == MBS_OK)
        status = mbs_program_create(&program, network, &program_options, &error);
    if (status == MBS_OK)
        status = mbs_plan_create(&plan, program, &hardware, &plan_options, &error);
    if (status == MBS_OK)
        status = mbs_plan_to_json(&text, plan, &error);
    if (status == MBS_OK)
        status = mbs_plan_load_text(&again, text, strlen(text), "again", &error);
    if (status == MBS_OK)
        status = mbs_plan_verify(again, NULL, &error);
    if (status != MBS_OK)
        printf("%s: %s\n", of->network, error.message[0]);
    mbs_plan_free(again);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
    return text;
}

/* Bad text, so that faults are reported at once too. */
static int is_refused(const char *text)
{
    mbs_network *network;
    mbs_error error;
    mbs_error_clear(&error);
    return mbs_network_load_text(&network, text, strlen(text), "bad", &error) == MBS_ERR_INPUT &&
           error.count > 0;
}

static void *run(void *argument)
{
    job *of = argument;
    for (int i = 0; i < ROUNDS; i++) {
        char *text = make_plan(of);
        of->failures += text == NULL || strcmp(text, of->expected) != 0;
        of->failures += !is_refused("{\"format\": [1, 2") + !is_refused("{\"format\": \"x\"}");
        mbs_free(text);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int failures = 0;
    if (getenv("MBS_SOURCE_DIR") == NULL)
        return 1;
    for (int i = 0; i < THREADS; i++) {
        jobs[i].expected = make_plan(&jobs[i]);
        if (jobs[i].expected == NULL)
            return 1;
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run, &jobs[i]) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        if (jobs[i].failures > 0)
            printf("FAILED: %s, %d times\n", jobs[i].network, jobs[i].failures);
        failures += jobs[i].failures;
        mbs_free(jobs[i].expected);
    }
    return failures > 0;
}
