#include "explain/prose.h"

#include <inttypes.h>
#include <string.h>

#include "report/figures.h"

void prose_traffic(text *out, int64_t bytes)
{
    text_string(out, figure_traffic(bytes).text);
}

void prose_space(text *out, int64_t bytes)
{
    text_string(out, figure_space(bytes).text);
}

void prose_percent(text *out, int64_t part, int64_t whole)
{
    text_format(out, "%s %%", figure_percent(part, whole).text);
}

void prose_count(text *out, int64_t count, const char *one, const char *many)
{
    text_format(out, "%" PRId64 " %s", count, count == 1 ? one : many);
}

/* Ends the paragraph at `at` and returns the next one; null if there is none at `at`. */
static char *next_paragraph(char *at)
{
    char *end = at != NULL ? strchr(at, '\n') : NULL;
    if (end == NULL)
        return NULL;
    *end = '\0';
    return end + 1;
}

static void end_paragraphs(text *out, text *paragraphs)
{
    out->failed = out->failed || paragraphs->failed;
    text_free(paragraphs);
}

void prose_paragraphs(text *out, text *paragraphs, const char *head, int indent)
{
    bool is_first = true;
    char *next;
    for (char *at = paragraphs->data; (next = next_paragraph(at)) != NULL; at = next) {
        text_format(out, "%*s%s%s\n", is_first ? 0 : indent, "", is_first ? head : "", at);
        is_first = false;
    }
    end_paragraphs(out, paragraphs);
}

void prose_json(text *out, text *paragraphs)
{
    const char *separator = "[";
    char *next;
    for (char *at = paragraphs->data; (next = next_paragraph(at)) != NULL; at = next) {
        text_string(out, separator);
        text_json_string(out, at);
        separator = ", ";
    }
    text_string(out, separator[0] == '[' ? "[]" : "]");
    end_paragraphs(out, paragraphs);
}
