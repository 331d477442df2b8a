#include "base/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_scan.h"
#include "base/memory.h"

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
