/* How long placing takes: live ranges of three sizes, and whole plans; prints figures, judges none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mbsopt/mbsopt.h"
#include "place/fit.h"

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static uint64_t state = 1;

static int64_t random_below(int64_t end)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (int64_t)((state * UINT64_C(2685821657736338717)) >> 33) % end;
}

/* As of a network's group: most live for a few steps, one in ten for long. */
static void make_ranges(live_range *ranges, int32_t count)
{
    const int32_t steps = count / 2;
    for (int32_t i = 0; i < count; i++) {
        const int32_t first = (int32_t)random_below(steps);
        const int64_t length = random_below(10) == 0 ? random_below(40) : random_below(4);
        const int64_t last = first + length < steps ? first + length : steps - 1;
        ranges[i] =
            (live_range){.first = first, .last = (int32_t)last, .size = 1 + random_below(1000)};
    }
}

/* `spare` percent above what lives at one time. */
static int bench_ranges(int32_t count, int spare)
{
    static const char *const outcomes[] = {"fits", "impossible", "gave up"};
    live_range *ranges = malloc((size_t)count * sizeof *ranges);
    placement found;
    if (ranges == NULL)
        return EXIT_FAILURE;
    make_ranges(ranges, count);
    mbs_status status = place_ranges(ranges, count, INT64_MAX / 8, 0, NULL, &found, NULL);
    const int64_t capacity = found.load + found.load * spare / 100;
    const double start = now_ms();
    if (status == MBS_OK)
        status = place_ranges(ranges, count, capacity, PLACE_NODES, NULL, &found, NULL);
    const double end = now_ms();
    free(ranges);
    if (status != MBS_OK)
        return EXIT_FAILURE;
    printf("%7" PRId32 " %7d %10.2f %8" PRId64 " %8.3f %s\n", count, spare, end - start,
           found.nodes, (double)found.height / (double)found.load, outcomes[found.outcome]);
    fflush(stdout);
    return EXIT_SUCCESS;
}

/* ---- Plans ----------------------------------------------------------------------------------- */

static mbs_status bench_plan(const char *path, mbs_error *error)
{
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    mbs_plan *plan = NULL;
    placed_plan placed = {0};
    mbs_hardware hardware;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    mbs_status status = mbs_network_load_file(&network, path, error);
    if (status == MBS_OK)
        status = mbs_program_create(&program, network, &program_options, error);
    if (status == MBS_OK)
        status = mbs_plan_create(&plan, program, &hardware, &options, error);
    const double start = now_ms();
    if (status == MBS_OK)
        status = plan_fit(&placed, plan, hardware.buffer_alignment_bytes, NULL, error);
    const double end = now_ms();
    if (status == MBS_OK) {
        const char *slash = strrchr(path, '/');
        printf("%-20s %7zu %7" PRId32 " %10.2f %7" PRId32 "\n", slash != NULL ? slash + 1 : path,
               mbs_program_step_count(program), plan->group_count, end - start,
               placed.change_count + placed.trimmed);
        fflush(stdout);
    }
    placed_plan_free(&placed);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
    return status;
}

int main(int argc, char **argv)
{
    static const int32_t counts[] = {400, 4000, 40000};
    static const int spares[] = {25, 2, 0};
    printf("live ranges; at most %d nodes of the search, up to %d ranges\n", PLACE_NODES,
           PLACE_MOST_RANGES);
    printf("%7s %7s %10s %8s %8s %s\n", "ranges", "spare %", "ms", "nodes", "height", "outcome");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (bench_ranges(counts[i], spares[j]) != EXIT_SUCCESS)
                return EXIT_FAILURE;
    printf("\nplans of dp, 10 MiB, batch 32, 64-byte alignment; placing and the replay after it\n");
    printf("%-20s %7s %7s %10s %7s\n", "network", "steps", "groups", "ms", "changed");
    for (int i = 1; i < argc; i++) {
        static mbs_error error;
        mbs_error_clear(&error);
        if (bench_plan(argv[i], &error) != MBS_OK) {
            fprintf(stderr, "bench_place: %s\n", error.message[0]);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
