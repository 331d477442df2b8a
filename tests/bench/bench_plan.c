/* How long the stages take, for each network file named; prints figures and judges none. */
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Each stage is repeated until this much time has gone, and its best time counts. */
#define ENOUGH_MS   200.0
#define MOST_ROUNDS 50

typedef struct stage_times {
    double load_ms;
    double program_ms;
    double plan_ms; /* with the verification that is part of it */
    double verify_ms;
} stage_times;

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void keep_best(double *best, double since, double until)
{
    if (until - since < *best)
        *best = until - since;
}

static mbs_status run_once(const char *path, stage_times *best, size_t *steps, int64_t *bytes,
                           mbs_error *error)
{
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    mbs_plan *plan = NULL;
    mbs_hardware hardware;
    mbs_traffic traffic;
    double moment[5];
    mbs_hardware_wavecore(&hardware);
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options plan_options = MBS_PLAN_OPTIONS_INIT;

    moment[0] = now_ms();
    mbs_status status = mbs_network_load_file(&network, path, error);
    moment[1] = now_ms();
    if (status == MBS_OK)
        status = mbs_program_create(&program, network, &program_options, error);
    moment[2] = now_ms();
    if (status == MBS_OK)
        status = mbs_plan_create(&plan, program, &hardware, &plan_options, error);
    moment[3] = now_ms();
    if (status == MBS_OK)
        status = mbs_plan_verify(plan, &traffic, error);
    moment[4] = now_ms();
    if (status == MBS_OK) {
        keep_best(&best->load_ms, moment[0], moment[1]);
        keep_best(&best->program_ms, moment[1], moment[2]);
        keep_best(&best->plan_ms, moment[2], moment[3]);
        keep_best(&best->verify_ms, moment[3], moment[4]);
        *steps = mbs_program_step_count(program);
        *bytes = traffic.total;
    }
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
    return status;
}

static int bench(const char *path)
{
    stage_times best = {1e18, 1e18, 1e18, 1e18};
    size_t steps = 0;
    int64_t bytes = 0;
    mbs_error error;
    mbs_error_clear(&error);
    const double start = now_ms();
    for (int round = 0; round < MOST_ROUNDS && (round == 0 || now_ms() - start < ENOUGH_MS);
         round++) {
        if (run_once(path, &best, &steps, &bytes, &error) != MBS_OK) {
            fprintf(stderr, "bench_plan: %s\n", error.message[0]);
            return EXIT_FAILURE;
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const char *slash = strrchr(path, '/');
    printf("%-20s %7zu %10.2f %10.2f %10.2f %10.2f %10.2f %9ld %15" PRId64 "\n",
           slash != NULL ? slash + 1 : path, steps, best.load_ms, best.program_ms,
           best.plan_ms - best.verify_ms, best.verify_ms,
           best.load_ms + best.program_ms + best.plan_ms, usage.ru_maxrss / 1024, bytes);
    fflush(stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    printf("dp with pinning and streaming, 10 MiB, batch 32; best times in ms\n");
    printf("%-20s %7s %10s %10s %10s %10s %10s %9s %15s\n", "network", "steps", "load", "program",
           "dp", "verify", "all", "peak MiB", "traffic bytes");
    for (int i = 1; i < argc; i++) {
        if (bench(argv[i]) != EXIT_SUCCESS)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
