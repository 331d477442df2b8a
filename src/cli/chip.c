#include "chip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define MOST_CORES 1000000

int chip_cores(int64_t *cores, const arguments *given)
{
    const char *value = option_value(given, "cores");
    mbs_error error;
    mbs_error_clear(&error);
    *cores = 0;
    if (value == NULL)
        return EXIT_OK;
    return report_error(mbs_parse_integer(cores, value, 1, MOST_CORES, "--cores", &error), &error);
}

static void put_traffic(FILE *out, const char *key, const mbs_traffic *traffic)
{
    fprintf(out,
            "\"%s\": {\"activation_read\": %" PRId64 ", \"activation_write\": %" PRId64
            ", \"weight_read\": %" PRId64 ", \"weight_gradient\": %" PRId64
            ", \"optimizer\": %" PRId64 ", \"total\": %" PRId64 "}",
            key, traffic->activation_read, traffic->activation_write, traffic->weight_read,
            traffic->weight_gradient, traffic->optimizer, traffic->total);
}

static void put_member(FILE *out, int64_t cores, const mbs_traffic *apart,
                       const mbs_traffic *shared)
{
    fprintf(out, ",\n  \"x_chip\": {\"cores\": %" PRId64 ", ", cores);
    put_traffic(out, "apart_bytes", apart);
    fputs(", ", out);
    put_traffic(out, "shared_bytes", shared);
    fputs("}\n}\n", out);
}

static void put_line(FILE *out, int64_t cores, const mbs_traffic *apart, const mbs_traffic *shared)
{
    const double giga = 1e9;
    fprintf(out, "%" PRId64 " %s: %.3f GB per step and chip, %.1f %% less than apart, %.3f GB\n",
            cores, cores == 1 ? "core" : "cores that share fetches", (double)shared->total / giga,
            100 * (1 - (double)shared->total / (double)apart->total), (double)apart->total / giga);
}

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

int chip_tell(char **told, const char *output, const mbs_plan *plan, int64_t cores, bool json)
{
    static const char end[] = "\n}\n"; /* of a plan file */
    mbs_traffic apart = {0};
    mbs_traffic shared = {0};
    size_t length = 0;
    *told = NULL;
    if (mbs_plan_chip_traffic(plan, cores, &apart, &shared) != MBS_OK) {
        complain("--cores %" PRId64 ": what they move exceeds 64 bits", cores);
        return EXIT_BAD_INPUT;
    }
    FILE *out = open_memstream(told, &length);
    if (out == NULL)
        return out_of_memory();
    fwrite(output, 1, strlen(output) - (json ? sizeof end - 1 : 0), out);
    if (json)
        put_member(out, cores, &apart, &shared);
    else
        put_line(out, cores, &apart, &shared);
    const bool failed = ferror(out) != 0;
    return fclose(out) == 0 && !failed ? EXIT_OK : out_of_memory();
}
