/* A machine as a table for people. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "hardware/bandwidth.h"
#include "mbsopt/report.h"
#include "report/figures.h"
#include "report/grid.h"
#include "report/wrap.h"

/* "22.94 T" of a count per second; with two decimals, in the largest unit that it has one of. */
static void put_rate(text *out, double per_s)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t unit = 0;
    for (; per_s >= 1000 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        per_s /= 1000;
    text_format(out, "%s %s", figure_ratio((int64_t)(per_s * 100 + 0.5), 100, 2).text, units[unit]);
}

static void put_title(text *out, const mbs_hardware *hardware, bool color)
{
    text_begin_style(out, color, STYLE_BOLD);
    text_safe(out, hardware->name);
    text_end_style(out, color, STYLE_BOLD);
    text_format(out, " · %" PRId64 " %s · %s buffer per core · ", hardware->cores,
                hardware->cores == 1 ? "core" : "cores",
                figure_exact_space(hardware->buffer_bytes).text);
    text_safe(out, hardware->memory_name);
    text_string(out, "\n");
}

static void put_peaks(text *out, const mbs_hardware *hardware)
{
    const double cells = (double)hardware->array_rows * (double)hardware->array_cols;
    const double per_s = 2 * cells * (double)hardware->cores * (double)hardware->clock_hz;
    put_rate(out, per_s);
    text_string(out, "FLOP/s (a multiply-accumulate counts as two), ");
    put_rate(out, (double)hardware->bandwidth_bytes_per_s);
    text_string(out, "B/s of DRAM");
    const double sustained = hardware_core_bytes_per_s(hardware) * (double)hardware->cores;
    if (hardware_dram_efficiency(hardware) < 1) {
        text_string(out, ", of which ");
        put_rate(out, sustained);
        text_string(out, "B/s are sustained");
    }
    text_string(out, "; balance ");
    put_rate(out, per_s / sustained);
    text_string(out, "FLOP per byte of DRAM\n\n");
}

/* Where the member's value is from; nothing if it has none. */
static const char *origin_of(const mbs_hardware_member_info *member, const mbs_hardware *hardware)
{
    const bool is_measured = hardware->measured_dram_efficiency > 0;
    if (member->is_stated)
        return "the file";
    if (strcmp(member->name, "memory.measured_dram_efficiency") == 0)
        return is_measured ? "WaveCore" : "";
    if (strcmp(member->name, "memory.dram_efficiency") == 0)
        return is_measured ? "measured" : "not measured";
    return "WaveCore";
}

mbs_status mbs_report_hardware_table(char **result, const mbs_hardware *hardware,
                                     const mbs_report_options *options, mbs_error *error)
{
    const grid_column columns[] = {
        {.head = {"", "member"}, .gap = "", .flexible = true},
        {.head = {"", "value"}, .gap = "  ", .right = true, .flexible = true},
        {.head = {"", "from"}, .gap = "  ", .rank = 1}};
    const size_t count = mbs_hardware_member_count();
    char digest[MBS_DIGEST_BYTES];
    text out = TEXT_INIT;
    grid table;
    size_t inherited = 0;
    const int width = options != NULL ? options->width : 0;
    const bool color = options != NULL && options->color != 0;
    put_title(&out, hardware, color);
    put_peaks(&out, hardware);
    grid_start(&table, color);
    grid_fit_to(&table, width);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        grid_add_column(&table, columns[i]);
    for (size_t i = 0; i < count; i++) {
        mbs_hardware_member_info member = {0};
        mbs_hardware_member(hardware, i, &member);
        const char *origin = origin_of(&member, hardware);
        const bool is_known = *origin != '\0';
        const text_style style = member.is_stated ? STYLE_PLAIN : STYLE_SECOND;
        inherited += strcmp(origin, "WaveCore") == 0;
        grid_cell(&table, style, member.name);
        grid_cell(&table, style, is_known ? member.value : "not known");
        grid_cell(&table, style, origin);
    }
    grid_finish(&table, &out);
    if (inherited > 0)
        text_format(&out, "\n%zu of %zu members %s not in the file: WaveCore's value holds\n",
                    inherited, count, inherited == 1 ? "is" : "are");
    mbs_hardware_digest(hardware, digest);
    text_format(&out, "%sdigest %s\n", inherited > 0 ? "" : "\n", digest);
    return report_finish(&out, width, result, error);
}
