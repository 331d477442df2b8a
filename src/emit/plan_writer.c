#include "emit/plan_writer.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/json.h"

void put_figure(plan_writer *w, const char *key, int64_t value)
{
    if (w->status == MBS_OK && (value > JSON_MAX_INTEGER || value < -JSON_MAX_INTEGER))
        w->status = error_set(w->error, MBS_ERR_INPUT,
                              "plan of %s: %s is %" PRId64
                              ", but many JSON readers round figures beyond %" PRId64,
                              quoted(w->program->network_name).text, key, value, JSON_MAX_INTEGER);
    text_format(&w->out, "\"%s\": ", key);
    text_integer(&w->out, value);
}

void put_next_figure(plan_writer *w, const char *key, int64_t value)
{
    text_string(&w->out, ", ");
    put_figure(w, key, value);
}

void put_next_string(plan_writer *w, const char *key, const char *value)
{
    text_format(&w->out, ", \"%s\": ", key);
    text_json_string(&w->out, value);
}

void list_begin(plan_writer *w, const char *key)
{
    text_format(&w->out, ",\n  \"%s\": [", key);
    w->first = true;
}

void list_entry(plan_writer *w)
{
    text_string(&w->out, w->first ? "\n    {" : ",\n    {");
    w->first = false;
}

void list_entry_end(plan_writer *w)
{
    text_string(&w->out, "}");
}

void list_end(plan_writer *w)
{
    text_string(&w->out, w->first ? "]" : "\n  ]");
}
