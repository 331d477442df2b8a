#include "base/json.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "base/utf8.h"

/* ---- Faults ---------------------------------------------------------------------------------- */

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

/* ---- Opening --------------------------------------------------------------------------------- */

typedef struct numbered_member {
    const char *name;
    size_t index;
} numbered_member;

static int compare_members(const void *left, const void *right)
{
    const numbered_member *a = left;
    const numbered_member *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void report_twice(json_document *document, const json_path *at, const char *member)
{
    json_fault(document, at, NULL, "member %s is given twice", quoted(member).text);
}

/* For objects as people write them, faster than sorting. */
static void check_few_members(json_document *document, const json_path *at, const cJSON *object)
{
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = object->child; b != a; b = b->next) {
            if (strcmp(a->string, b->string) == 0) {
                report_twice(document, at, a->string);
                break;
            }
        }
    }
}

static void check_many_members(json_document *document, const json_path *at, const cJSON *object,
                               size_t count)
{
    numbered_member *members = mem_alloc(count * sizeof *members);
    if (members == NULL) {
        json_out_of_memory(document);
        return;
    }
    size_t i = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next, i++)
        members[i] = (numbered_member){child->string, i};
    qsort(members, count, sizeof *members, compare_members);
    bool before = false; /* the one before is itself a repetition and has been reported */
    for (i = 1; i < count; i++) {
        bool again = strcmp(members[i].name, members[i - 1].name) == 0;
        if (again && !before)
            report_twice(document, at, members[i].name);
        before = again;
    }
    mem_free(members);
}

/* Reports members given twice, at any depth. The nesting limit bounds the recursion. */
static void check_twice(json_document *document, const json_path *at, const cJSON *value)
{
    const size_t few = 16;
    size_t count = 0;
    for (const cJSON *child = value->child; child != NULL; child = child->next, count++) {
        json_path place = {at, child->string, count};
        if (child->child != NULL)
            check_twice(document, &place, child);
    }
    if (!cJSON_IsObject(value) || document->no_memory)
        return;
    if (count <= few)
        check_few_members(document, at, value);
    else
        check_many_members(document, at, value, count);
}

/* cJSON keeps the place of the last syntax error in a static variable, which it writes unguarded.
 */
static pthread_mutex_t parse_mutex = PTHREAD_MUTEX_INITIALIZER;

static cJSON *parse(const char *text, size_t length)
{
    pthread_mutex_lock(&parse_mutex);
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, NULL, 0);
    pthread_mutex_unlock(&parse_mutex);
    return root;
}

mbs_status json_open(json_document *document, const char *text, size_t length, const char *label,
                     mbs_error *error)
{
    *document = (json_document){label, NULL, error, 0, false};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) { /* a byte order mark */
        text += 3;
        length -= 3;
    }
    if (!json_scan(document, text, length))
        return MBS_ERR_INPUT;
    document->root = parse(text, length);
    if (document->root == NULL)
        json_out_of_memory(document);
    else if (!cJSON_IsObject(document->root))
        json_unexpected(document, NULL, NULL, document->root, "an object");
    else
        check_twice(document, NULL, document->root);
    return json_status(document);
}

void json_close(json_document *document)
{
    cJSON_Delete(document->root);
    document->root = NULL;
}
