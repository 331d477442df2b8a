/* Memory traces for DRAMsim3, Ramulator and Ramulator 2: a line per request. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "cost/time.h"
#include "emit/timeline.h"
#include "emit/trace_size.h"

/* A trace while it is counted (out is null) or written. */
typedef struct trace {
    exporter *e;
    timeline line;
    sink *out;
    bool with_cycles;
    int64_t requests; /* so far */
    int64_t bytes;    /* moved by what the requests are for */
    double hz;
    double start;  /* of the execution at hand, in cycles */
    double length; /* likewise */
    int64_t done;  /* of its requests */
    int64_t all;
    int64_t cycle; /* of the last request: later ones are not before it */
} trace;

/* ---- Requests -------------------------------------------------------------------------------- */

static size_t put_hex(char *to, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    char reversed[16];
    size_t count = 0;
    do {
        reversed[count++] = digits[value & 15];
        value >>= 4;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        to[i] = reversed[count - 1 - i];
    return count;
}

static size_t put_decimal(char *to, uint64_t value)
{
    char reversed[20];
    size_t count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        to[i] = reversed[count - 1 - i];
    return count;
}

static void put_request(trace *t, int64_t address, bool is_write)
{
    char line[64];
    size_t used = 0;
    const char *begin = t->with_cycles ? "0x" : is_write ? "ST 0x" : "LD 0x";
    used = strlen(begin);
    memcpy(line, begin, used);
    used += put_hex(line + used, (uint64_t)address);
    if (t->with_cycles) {
        const char *verb = is_write ? " WRITE " : " READ ";
        const double now = t->start + (double)t->done * t->length / (double)t->all;
        t->cycle = max_i64(t->cycle, (int64_t)now);
        const size_t length = strlen(verb);
        // what text_bytes takes needs no NUL: NOLINTNEXTLINE(bugprone-not-null-terminated-result)
        memcpy(line + used, verb, length);
        used += length;
        used += put_decimal(line + used, (uint64_t)t->cycle);
    }
    line[used++] = '\n';
    text_bytes(sink_text(t->out), line, used);
    t->done++;
}

/* All requests that touch [address, address + bytes). */
static bool put_range(trace *t, int64_t address, int64_t bytes, bool is_write)
{
    const int64_t size = t->e->options->request_bytes;
    for (int64_t at = address / size * size; at < address + bytes; at += size) {
        put_request(t, at, is_write);
        if ((t->done & 4095) == 0 && !sink_flush(t->out))
            return false;
    }
    return true;
}

static int64_t count_range(const trace *t, int64_t address, int64_t bytes)
{
    const int64_t size = t->e->options->request_bytes;
    return bytes == 0 ? 0 : ceil_div(address + bytes, size) - address / size;
}

/* ---- Transfers ------------------------------------------------------------------------------- */

/*
 * Counts or, if `write`, writes a transfer's requests; of a tensor, those of the samples that are
 * wanted. False once writing has failed.
 */
static bool do_transfer(trace *t, const execution_at *at, const transfer *moved, bool write,
                        int64_t *requests, int64_t *bytes)
{
    const int64_t every = t->e->options->sample_every;
    const bool whole = moved->samples == 0 || every == 1;
    const int64_t piece = whole ? moved->bytes : moved->bytes / moved->samples;
    const int64_t count = whole ? 1 : moved->samples;
    int64_t first = whole ? 0 : (every - at->first_sample % every) % every;
    for (int64_t pass = 0; pass < moved->times; pass++) {
        for (int64_t i = first; i < count; i += whole ? 1 : every) {
            const int64_t address = moved->address + i * piece;
            *requests += count_range(t, address, piece);
            *bytes += piece;
            if (write && !put_range(t, address, piece, moved->is_write))
                return false;
        }
    }
    return true;
}

static bool do_transfers(trace *t, const execution_at *at, bool write, int64_t *requests,
                         int64_t *bytes)
{
    *requests = 0;
    *bytes = 0;
    for (int32_t i = 0; i < t->line.transfer_count; i++)
        if (!do_transfer(t, at, &t->line.transfers[i], write, requests, bytes))
            return false;
    return true;
}

static bool do_execution(trace *t, const execution_at *at)
{
    int64_t bytes;
    t->length = timeline_cost(&t->line, at).time_s * t->hz;
    timeline_transfers(&t->line, at);
    do_transfers(t, at, false, &t->all, &bytes);
    t->done = 0;
    t->requests += t->all;
    t->bytes += bytes;
    if (t->out != NULL && (!do_transfers(t, at, true, &t->all, &bytes) || !sink_flush(t->out)))
        return false;
    if (t->out == NULL && plan_watch_is_over(&t->e->watch))
        return false;
    t->start += t->length;
    return true;
}

/* All that is wanted of the plan, in the order in which it runs. Errors: MBS_ERR_MEMORY. */
static mbs_status do_plan(trace *t)
{
    mbs_status status = MBS_OK;
    const mbs_export_options *o = t->e->options;
    for (int32_t g = 0; g < t->e->plan->group_count && status == MBS_OK; g++) {
        const mbs_group *group = &t->e->plan->groups[g];
        const int64_t first = max_i64(group->first, o->first_step);
        const int64_t end = min_i64(group->end, o->last_step + 1);
        const int64_t last = min_i64(group->iterations - 1, o->last_iteration);
        if (first < end)
            status = timeline_enter(&t->line, group);
        for (int64_t i = o->first_iteration; status == MBS_OK && i <= last && first < end; i++)
            for (int64_t k = first; k < end; k++) {
                const execution_at at = timeline_at(&t->line, group, i, (int32_t)k);
                if (!do_execution(t, &at))
                    return MBS_OK;
            }
    }
    return status;
}

/* ---- The whole ------------------------------------------------------------------------------- */

static int64_t decimal_digits(double value)
{
    int64_t digits = 1;
    while (value >= 10) {
        value /= 10;
        digits++;
    }
    return digits;
}

static int64_t hex_digits(int64_t value)
{
    int64_t digits = 1;
    for (; value > 15; value /= 16)
        digits++;
    return digits;
}

static mbs_status trace_open(trace *t, exporter *e, bool with_cycles)
{
    const int64_t hz = e->options->trace_hz > 0 ? e->options->trace_hz : e->hardware->clock_hz;
    *t = (trace){.e = e, .with_cycles = with_cycles, .hz = (double)hz};
    return timeline_open(&t->line, e);
}

mbs_status trace_size(exporter *e, bool with_cycles, mbs_export_size *size)
{
    trace t;
    mbs_status status = trace_open(&t, e, with_cycles);
    if (status == MBS_OK)
        status = do_plan(&t);
    if (status == MBS_OK) {
        int64_t line = 6 + hex_digits(t.line.layout->end);
        if (with_cycles)
            line += 4 + decimal_digits(t.start);
        *size = (mbs_export_size){t.requests, t.bytes, 0};
        if (!checked_mul(t.requests, line, &size->most_file_bytes))
            size->most_file_bytes = INT64_MAX;
    }
    timeline_close(&t.line);
    return status;
}

static mbs_status write_trace(exporter *e, bool with_cycles)
{
    trace t;
    mbs_export_size size;
    mbs_status status = trace_size(e, with_cycles, &size);
    if (status != MBS_OK)
        return status;
    if (size.most_file_bytes > MBS_EXPORT_MAX_BYTES && !e->options->force)
        return error_set(e->error, MBS_ERR_INPUT,
                         "export: %" PRId64 " requests take up to %" PRId64
                         " bytes, more than 4 GiB; choose a part of them, or force it",
                         size.requests, size.most_file_bytes);
    status = trace_open(&t, e, with_cycles);
    t.out = e->out;
    if (status == MBS_OK)
        status = do_plan(&t);
    timeline_close(&t.line);
    return status;
}

mbs_status export_trace_cycles(exporter *e)
{
    return write_trace(e, true);
}

mbs_status export_trace_plain(exporter *e)
{
    return write_trace(e, false);
}
