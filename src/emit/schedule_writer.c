#include "emit/schedule_writer.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/json.h"

void schedule_first_figure(schedule_writer *w, const char *key, int64_t value)
{
    if (w->status == MBS_OK && (value > JSON_MAX_INTEGER || value < -JSON_MAX_INTEGER))
        w->status = error_set(w->error, MBS_ERR_INPUT,
                              "schedule of %s: %s is %" PRId64
                              ", but many JSON readers round figures beyond %" PRId64,
                              quoted(w->program->network_name).text, key, value, JSON_MAX_INTEGER);
    text_format(w->text, "\"%s\":", key);
    text_integer(w->text, value);
}

void schedule_figure(schedule_writer *w, const char *key, int64_t value)
{
    text_string(w->text, ",");
    schedule_first_figure(w, key, value);
}

void schedule_string(schedule_writer *w, const char *key, const char *value)
{
    text_format(w->text, ",\"%s\":", key);
    text_json_string(w->text, value);
}

void schedule_begin(schedule_writer *w, const char *name, int32_t step)
{
    text_format(w->text, "{\"do\":\"%s\",\"step\":%" PRId32, name, step);
}

bool schedule_end(schedule_writer *w)
{
    text_string(w->text, "}\n");
    return sink_flush(w->out) && w->status == MBS_OK;
}

void schedule_offset(schedule_writer *w, int64_t offset)
{
    if (offset < 0)
        text_string(w->text, ",\"offset\":null");
    else
        schedule_figure(w, "offset", offset);
}

bool schedule_moves(const schedule_writer *w, int32_t touch)
{
    return w->program->tensors[w->program->touches[touch].tensor].bytes > 0;
}

bool schedule_arrives(const schedule_writer *w, int32_t touch)
{
    return plan_arrives(w->plan, touch);
}
