/*
 * How long dp takes with strips, and what they gain, in buffers from 64 KiB to 64 MiB, for each
 * network file named; prints figures and judges none.
 */
#include <inttypes.h>
#include <mbsopt/mbsopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define ROUNDS 3 /* of them the best time counts */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* From the network to the better of the two plans, replayed. */
static mbs_status plan(const mbs_network *network, int64_t buffer_bytes, int no_strips,
                       double *best_ms, int64_t *bytes, mbs_error *error)
{
    mbs_hardware hardware;
    mbs_options options = MBS_OPTIONS_INIT;
    mbs_status status = MBS_OK;
    mbs_hardware_wavecore(&hardware);
    options.buffer_bytes = buffer_bytes;
    options.no_strips = no_strips;
    *best_ms = 1e18;
    for (int round = 0; round < ROUNDS && status == MBS_OK; round++) {
        mbs_plan *made = NULL;
        mbs_traffic traffic;
        const double start = now_ms();
        status = mbs_plan_network(&made, network, &hardware, &options, error);
        const double took = now_ms() - start;
        if (status != MBS_OK)
            break;
        *best_ms = took < *best_ms ? took : *best_ms;
        mbs_plan_traffic(made, &traffic);
        *bytes = traffic.total;
        mbs_plan_free(made);
    }
    return status;
}

static mbs_status bench(const char *path, mbs_error *error)
{
    mbs_network *network;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    mbs_status status = mbs_network_load_file(&network, path, error);
    if (status != MBS_OK)
        return status;
    for (int64_t kib = 64; kib <= 65536 && status == MBS_OK; kib *= 4) {
        double with_ms, without_ms;
        int64_t with, without;
        status = plan(network, kib * 1024, 0, &with_ms, &with, error);
        if (status == MBS_OK)
            status = plan(network, kib * 1024, 1, &without_ms, &without, error);
        if (status != MBS_OK)
            break;
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("%-26s %6" PRId64 " %10.2f %10.2f %15" PRId64 " %15" PRId64 " %7.1f %9ld\n", name,
               kib, without_ms, with_ms, without, with,
               100 * (double)(without - with) / (double)without, usage.ru_maxrss / 1024);
        fflush(stdout);
    }
    mbs_network_free(network);
    return status;
}

int main(int argc, char **argv)
{
    mbs_error error;
    mbs_error_clear(&error);
    printf("dp without and with strips, batch 32, network to verified plan; best times in ms\n");
    printf("%-26s %6s %10s %10s %15s %15s %7s %9s\n", "network", "KiB", "without", "with",
           "bytes without", "bytes with", "less %", "peak MiB");
    for (int i = 1; i < argc; i++) {
        if (bench(argv[i], &error) != MBS_OK) {
            fprintf(stderr, "bench_strips: %s\n", error.message[0]);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
