#include "base/json_fault.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

/* The file's name as one printable line; of a long one the end, which tells more. */
static quoted_text printable_label(const char *label)
{
    const size_t kept = 72; /* leaves quoted() room for escapes */
    size_t length = strlen(label);
    if (length > kept) {
        label += length - kept;
        while (((unsigned char)*label & 0xC0) == 0x80)
            label++;
    }
    quoted_text in_quotes = quoted(label);
    quoted_text out;
    int inner = (int)strlen(in_quotes.text) - 2;
    snprintf(out.text, sizeof out.text, "%s%.*s", length > kept ? "..." : "", inner,
             in_quotes.text + 1);
    return out;
}

static bool is_plain(const char *member)
{
    size_t length = strspn(member, WORD_CHARACTERS);
    return length > 0 && length < 64 && member[length] == '\0';
}

/* Appends `at` to the path in `out`, which holds `used` bytes; returns the new count. */
static size_t append_place(char *out, size_t size, size_t used, const json_path *at)
{
    if (at->parent != NULL)
        used = append_place(out, size, used, at->parent);
    int added;
    if (at->member == NULL)
        added = snprintf(out + used, size - used, "[%zu]", at->index);
    else if (is_plain(at->member))
        added = snprintf(out + used, size - used, "%s%s", used > 0 ? "." : "", at->member);
    else
        added = snprintf(out + used, size - used, "[%s]", quoted(at->member).text);
    size_t wanted = used + (size_t)(added > 0 ? added : 0);
    return wanted < size ? wanted : size - 1;
}

/* The value at the place; null if there is none, such as of a member that is missing. */
static const cJSON *value_at(const cJSON *root, const json_path *at)
{
    const cJSON *within = at->parent != NULL ? value_at(root, at->parent) : root;
    if (at->member != NULL)
        return cJSON_GetObjectItemCaseSensitive(within, at->member);
    return at->index <= INT_MAX ? cJSON_GetArrayItem(within, (int)at->index) : NULL;
}

/* What the element of a list that the place is in, or is, calls itself: of a layer its name. */
static const char *name_around(const cJSON *root, const json_path *at)
{
    for (; at != NULL && root != NULL; at = at->parent) {
        const cJSON *element = at->member == NULL ? value_at(root, at) : NULL;
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(element, "name");
        if (cJSON_IsString(name) && name->valuestring[0] != '\0')
            return name->valuestring;
    }
    return NULL;
}

/* Ends the message with the name, unless that is in it. */
static void append_name(char *message, size_t size, const char *name)
{
    const quoted_text shown = quoted(name);
    const size_t used = strlen(message);
    if (strstr(message, shown.text) == NULL)
        snprintf(message + used, size - used, " (in %s)", shown.text);
}

bool json_fault_is_shown(const json_document *document)
{
    return document->error != NULL && document->error->count < MBS_ERROR_MESSAGES;
}

void json_fault(json_document *document, const json_path *at, const char *member,
                const char *format, ...)
{
    document->faults++;
    if (!json_fault_is_shown(document)) {
        error_set(document->error, MBS_ERR_INPUT, "%s", "");
        return;
    }
    char place[200] = "";
    json_path leaf = {at, member, 0};
    const json_path *whole = member != NULL ? &leaf : at;
    if (whole != NULL && append_place(place, sizeof place, 0, whole) == sizeof place - 1)
        utf8_cut(place, sizeof place - 1);
    char message[MBS_ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    const char *name = name_around(document->root, at);
    if (name != NULL)
        append_name(message, sizeof message, name);
    error_set(document->error, MBS_ERR_INPUT, "%s: %s%s%s", printable_label(document->label).text,
              place, place[0] != '\0' ? ": " : "", message);
}

void json_out_of_memory(json_document *document)
{
    if (!document->no_memory)
        error_memory(document->error);
    document->no_memory = true;
}

mbs_status json_status(const json_document *document)
{
    if (document->no_memory)
        return MBS_ERR_MEMORY;
    return document->faults > 0 ? MBS_ERR_INPUT : MBS_OK;
}
