/*
 * How far the ilp planner comes in a time limit, for each network file named, with and without
 * pinning: time to the proof or the gap, and peak memory. Prints figures and judges none.
 */
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_row(const char *path, int no_pin, const mbs_plan *dp, const mbs_plan *ilp,
                      double seconds)
{
    const char *slash = strrchr(path, '/');
    mbs_traffic from;
    mbs_traffic to;
    struct rusage usage;
    mbs_plan_traffic(dp, &from);
    mbs_plan_traffic(ilp, &to);
    getrusage(RUSAGE_SELF, &usage);
    const double gain = 100 * (double)(from.total - to.total) / (double)from.total;
    const double gap = 100 * (double)(to.total - mbs_plan_bound_bytes(ilp)) / (double)to.total;
    printf("%-20s %6zu %5s %13" PRId64 " %13" PRId64 " %7.3f %9.2f %9s %8.4f %9ld\n",
           slash != NULL ? slash + 1 : path, mbs_program_step_count(mbs_plan_program(ilp)),
           no_pin ? "no" : "yes", from.total, to.total, gain, seconds,
           mbs_outcome_name(mbs_plan_outcome(ilp)), gap, usage.ru_maxrss / 1024);
    fflush(stdout);
}

static mbs_status run(const char *path, int no_pin, double limit_s, mbs_error *error)
{
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    mbs_plan *dp = NULL;
    mbs_plan *ilp = NULL;
    mbs_hardware hardware;
    mbs_program_options build = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.no_pin = no_pin;
    options.time_limit_s = limit_s;
    mbs_hardware_wavecore(&hardware);
    /* the usual mini-batches of these networks on two cores */
    options.batch = strstr(path, "alexnet") != NULL ? 64 : 32;
    mbs_status status = mbs_network_load_file(&network, path, error);
    if (status == MBS_OK)
        status = mbs_program_create(&program, network, &build, error);
    if (status == MBS_OK)
        status = mbs_plan_create(&dp, program, &hardware, &options, error);
    const double start = now_s();
    options.planner = MBS_PLANNER_ILP;
    if (status == MBS_OK)
        status = mbs_plan_create(&ilp, program, &hardware, &options, error);
    if (status == MBS_OK)
        print_row(path, no_pin, dp, ilp, now_s() - start);
    mbs_plan_free(ilp);
    mbs_plan_free(dp);
    mbs_program_free(program);
    mbs_network_free(network);
    return status;
}

/* In a process of its own, so that peak memory is of this run alone. */
static int run_apart(const char *path, int no_pin, double limit_s)
{
    mbs_error error;
    int status;
    pid_t child = fork();
    if (child == 0) {
        mbs_error_clear(&error);
        if (run(path, no_pin, limit_s, &error) == MBS_OK)
            _exit(EXIT_SUCCESS);
        fprintf(stderr, "bench_exact: %s\n", error.message[0]);
        _exit(EXIT_FAILURE);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: bench_exact SECONDS NET...\n");
        return EXIT_FAILURE;
    }
    const double limit_s = strtod(argv[1], NULL);
    printf("ilp, 10 MiB, 32 samples (alexnet 64), at most %g s; gain over dp and gap in percent\n",
           limit_s);
    printf("%-20s %6s %5s %13s %13s %7s %9s %9s %8s %9s\n", "network", "steps", "pins", "dp bytes",
           "ilp bytes", "gain", "seconds", "outcome", "gap", "peak MiB");
    fflush(stdout);
    for (int i = 2; i < argc; i++)
        for (int no_pin = 0; no_pin <= 1; no_pin++)
            if (run_apart(argv[i], no_pin, limit_s) != EXIT_SUCCESS)
                return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
