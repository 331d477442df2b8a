/*
 * How long choosing what to recompute takes with dp, and what comes out, for each network file
 * named: within several limits for least traffic, and within 10 % for least time. Prints figures
 * and judges none.
 */
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of this thread's processor: other work on the machine does not count. */
static double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static mbs_status run(const mbs_network *network, mbs_objective objective, double max_percent,
                      mbs_error *error)
{
    mbs_plan *plan = NULL;
    mbs_hardware hardware;
    const mbs_program_options build = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_recompute_options recompute = MBS_RECOMPUTE_OPTIONS_INIT;
    options.objective = objective;
    recompute.recompute = MBS_RECOMPUTE_AUTO;
    recompute.max_percent = max_percent;
    mbs_hardware_wavecore(&hardware);
    const double start = processor_s();
    mbs_status status =
        mbs_plan_create_recompute(&plan, network, &build, &hardware, &options, &recompute, error);
    const double seconds = processor_s() - start;
    if (status == MBS_OK) {
        const mbs_program *program = mbs_plan_program(plan);
        mbs_traffic traffic;
        mbs_recompute_info info;
        mbs_plan_traffic(plan, &traffic);
        mbs_plan_recompute(plan, &info);
        printf("%-20s %6zu %9s %6g %13" PRId64 " %7.1f %9.2f\n", mbs_program_network_name(program),
               mbs_program_step_count(program), objective == MBS_TIME ? "time" : "traffic",
               max_percent, traffic.total, info.macs_percent, seconds);
        fflush(stdout);
    }
    mbs_plan_free(plan);
    return status;
}

static mbs_status run_all(const char *path, mbs_error *error)
{
    static const double limits[] = {0, 10, 25};
    mbs_network *network = NULL;
    mbs_status status = mbs_network_load_file(&network, path, error);
    for (size_t i = 0; status == MBS_OK && i < sizeof limits / sizeof limits[0]; i++)
        status = run(network, MBS_TRAFFIC, limits[i], error);
    if (status == MBS_OK)
        status = run(network, MBS_TIME, 10, error);
    mbs_network_free(network);
    return status;
}

int main(int argc, char **argv)
{
    static mbs_error error;
    printf("dp+auto, 10 MiB, 32 samples; limit and added multiply-accumulates in percent\n");
    printf("%-20s %6s %9s %6s %13s %7s %9s\n", "network", "steps", "for", "limit", "bytes", "added",
           "seconds");
    for (int i = 1; i < argc; i++) {
        mbs_error_clear(&error);
        if (run_all(argv[i], &error) == MBS_OK)
            continue;
        fprintf(stderr, "bench_recompute: %s\n", error.message[0]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
