/* mbsopt place FILE.csv */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alive.h"
#include "command.h"
#include "fields.h"
#include "options.h"
#include "output.h"
#include "signals.h"
#include "table.h"

enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSON };
static const char *const formats[] = {"table", "csv", "json", NULL};

typedef struct job {
    mbs_live_ranges list;
    mbs_placement found;
    mbs_place_options options;
    const char *label;
    size_t format;
} job;

static int on_progress(const mbs_progress *progress, void *context)
{
    (void)progress;
    (void)context;
    return signals_noted() != 0;
}

/* A size, or a count without a unit; 0 if the option was not given. */
static int read_option(const arguments *given, const char *name, int64_t *value)
{
    const char *text = option_value(given, name);
    mbs_error error;
    mbs_error_clear(&error);
    if (text == NULL)
        return EXIT_OK;
    mbs_status status = mbs_parse_size(value, text, &error);
    if (status == MBS_OK && *value > 0 && *value < INT64_C(1) << 60)
        return EXIT_OK;
    complain("--%s %s: expected 1 or more, below 2^60", name, text);
    return EXIT_USAGE;
}

static const char *verdict(const job *of)
{
    if (of->found.outcome == MBS_PLACE_IMPOSSIBLE)
        return "no placement exists (proven)";
    if (of->found.outcome == MBS_PLACE_GAVE_UP)
        return "no placement found (one may exist; --nodes lets the search go on)";
    if (of->options.capacity > 0)
        return "placed";
    return of->found.height == of->found.bound ? "placed as low as can be (proven)"
                                               : "placed as low as was found";
}

static void put_table(const job *of, FILE *out)
{
    const mbs_placement *found = &of->found;
    put_safe(out, of->label);
    fprintf(out, ": %" PRId32 " ranges, %s\n", of->list.count, verdict(of));
    if (of->options.capacity > 0)
        fprintf(out, "capacity   %20" PRId64 "\n", of->options.capacity);
    fprintf(out, "height     %20" PRId64 "\n", found->height);
    fprintf(out, "bound      %20" PRId64 "  no placement is lower\n", found->bound);
    fprintf(out, "load       %20" PRId64 "  the most that lives at one time\n", found->load);
    fprintf(out, "nodes      %20" PRId64 "  of the search; 0: best fit was enough\n", found->nodes);
}

static void put_csv_rows(const job *of, FILE *out)
{
    fputs("id,lower,upper,size,offset\n", out);
    for (int32_t i = 0; i < of->list.count; i++) {
        const mbs_live_range *range = &of->list.ranges[i];
        put_csv(out, of->list.ids[i]);
        fprintf(out, ",%" PRId32 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", range->first,
                (int64_t)range->last + 1, range->size, range->offset);
    }
}

static void put_json_document(const job *of, FILE *out)
{
    static const char *const outcomes[] = {"fits", "impossible", "gave up"};
    const mbs_placement *found = &of->found;
    fprintf(out, "{\"outcome\": \"%s\", ", outcomes[found->outcome]);
    if (of->options.capacity > 0)
        fprintf(out, "\"capacity\": %" PRId64 ", ", of->options.capacity);
    fprintf(out,
            "\"height\": %" PRId64 ", \"bound\": %" PRId64 ", \"load\": %" PRId64
            ", \"nodes\": %" PRId64 ",\n \"ranges\": [",
            found->height, found->bound, found->load, found->nodes);
    for (int32_t i = 0; i < of->list.count; i++) {
        const mbs_live_range *range = &of->list.ranges[i];
        fputs(i > 0 ? ",\n  {\"id\": " : "\n  {\"id\": ", out);
        put_json(out, of->list.ids[i]);
        fprintf(out,
                ", \"lower\": %" PRId32 ", \"upper\": %" PRId64 ", \"size\": %" PRId64
                ", \"offset\": %" PRId64 "}",
                range->first, (int64_t)range->last + 1, range->size, range->offset);
    }
    fputs("\n ]}\n", out);
}

static int write_placement(const job *of, const char *path)
{
    static void (*const writers[])(const job *, FILE *) = {put_table, put_csv_rows,
                                                           put_json_document};
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out != NULL)
        writers[of->format](of, out);
    if (out == NULL || fclose(out) != 0) {
        complain("out of memory");
        free(text);
        return EXIT_SYSTEM;
    }
    int status = write_output(path, text);
    free(text);
    return status;
}

static int place(job *of)
{
    mbs_error error;
    mbs_error_clear(&error);
    of->options.progress = on_progress;
    alive_stage("placing");
    signals_catch();
    mbs_status status =
        mbs_place_ranges(of->list.ranges, of->list.count, &of->options, &of->found, &error);
    signals_restore();
    if (status == MBS_ERR_STOPPED)
        signals_end();
    return report_error(status, &error);
}

static int run_place(const arguments *given)
{
    const char *output = option_value(given, "output");
    job of = {.options = MBS_PLACE_OPTIONS_INIT};
    mbs_error error;
    mbs_error_clear(&error);
    of.label = strcmp(given->operand, "-") == 0 ? "standard input" : given->operand;
    if (!option_format(given, output, formats, &of.format))
        return EXIT_USAGE;
    int status = read_option(given, "capacity", &of.options.capacity);
    if (status == EXIT_OK)
        status = read_option(given, "nodes", &of.options.node_limit);
    if (status == EXIT_OK)
        status = report_error(mbs_live_ranges_load_file(&of.list, given->operand, &error), &error);
    stage_done("load");
    if (status == EXIT_OK)
        status = place(&of);
    stage_done("place");
    if (status == EXIT_OK && of.found.outcome != MBS_PLACE_FITS && of.format != FORMAT_TABLE) {
        complain("%s: %s in %" PRId64 "; the lowest found ends at %" PRId64, of.label, verdict(&of),
                 of.options.capacity, of.found.height);
        status = EXIT_NO_PLAN;
    } else if (status == EXIT_OK) {
        status = write_placement(&of, output);
        if (status == EXIT_OK && of.found.outcome != MBS_PLACE_FITS)
            status = EXIT_NO_PLAN;
    }
    mbs_live_ranges_free(&of.list);
    return status;
}

static const option_spec place_options[] = {
    {"capacity", '\0', "SIZE", "find offsets below it (default: as low as is found)"},
    {"nodes", '\0', "N", "of each search, at most (default 20000000)"},
    {"format", '\0', "FORMAT", "table, csv (with offsets) or json"},
    {"output", 'o', "FILE", "write to FILE"},
};

const command command_place = {
    .name = "place",
    .operand = "FILE",
    .operand_required = 1,
    .summary = "find offsets in a buffer for ranges of a CSV file",
    .details =
        "FILE (- is standard input) is CSV as google/minimalloc reads and writes it: a header and\n"
        "the columns id, lower, upper and size; a range is alive from step lower to before step\n"
        "upper. No two that share a step may overlap. This is the search that places plans in the\n"
        "buffer (docs/schedule.md): best fit, then an exact search. Where no placement is found\n"
        "below the capacity the exit status is 3, and no offsets are written.\n",
    .examples = "  mbsopt place A.1048576.csv --capacity 1048576 --format csv -o placed.csv\n"
                "      one of MiniMalloc's benchmarks\n"
                "  mbsopt place ranges.csv\n"
                "      how low they can be placed\n",
    .options = place_options,
    .option_count = sizeof place_options / sizeof place_options[0],
    .run = run_place,
};
