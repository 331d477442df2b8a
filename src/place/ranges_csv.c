#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "mbsopt/place.h"

/* What is read of a row; alignment is not, and must be 1. */
typedef enum column { ID, LOWER, UPPER, SIZE, ALIGNMENT, COLUMNS } column;

static const char *const column_names[COLUMNS] = {"id", "lower", "upper", "size", "alignment"};

#define MOST_FIELDS 64

typedef struct reader {
    const char *label;
    char *next; /* what is left of the text */
    int64_t line;
    char *fields[MOST_FIELDS];
    int field_count;
    int at[COLUMNS]; /* the field of each column, or -1 */
    mbs_error *error;
} reader;

/* The next line that is not empty, in fields; *any is false at the end. */
static mbs_status read_row(reader *r, bool *any)
{
    for (*any = false; *r->next != '\0' && !*any;) {
        char *line = r->next;
        const size_t length = strcspn(line, "\n");
        r->next += length + (line[length] == '\n');
        line[length] = '\0';
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        r->line++;
        *any = line[0] != '\0';
        for (r->field_count = 0; line != NULL && *any; r->field_count++) {
            if (r->field_count == MOST_FIELDS)
                return error_set(r->error, MBS_ERR_INPUT, "%s:%" PRId64 ": more than %d fields",
                                 r->label, r->line, MOST_FIELDS);
            r->fields[r->field_count] = line;
            line = strchr(line, ',');
            if (line != NULL)
                *line++ = '\0';
        }
    }
    return MBS_OK;
}

static mbs_status read_header(reader *r)
{
    bool any;
    mbs_status status = read_row(r, &any);
    if (status != MBS_OK)
        return status;
    if (!any)
        return error_set(r->error, MBS_ERR_INPUT,
                         "%s: is empty, expected a header with id, lower, upper and size",
                         r->label);
    for (column c = 0; c < COLUMNS; c++) {
        r->at[c] = -1;
        for (int f = 0; f < r->field_count; f++)
            if (strcmp(r->fields[f], column_names[c]) == 0)
                r->at[c] = f;
        if (r->at[c] < 0 && c != ALIGNMENT)
            return error_set(r->error, MBS_ERR_INPUT,
                             "%s:%" PRId64 ": no column \"%s\", expected id, lower, upper and size",
                             r->label, r->line, column_names[c]);
    }
    return MBS_OK;
}

/* A decimal number of at most 18 digits in a column. */
static mbs_status read_number(const reader *r, column c, int64_t least, int64_t most,
                              int64_t *value)
{
    const char *digits = r->fields[r->at[c]];
    const size_t length = strspn(digits, "0123456789");
    *value = length > 0 && length <= 18 && digits[length] == '\0' ? strtoll(digits, NULL, 10) : -1;
    if (*value >= least && *value <= most)
        return MBS_OK;
    return error_set(r->error, MBS_ERR_INPUT,
                     "%s:%" PRId64 ": %s is %s, expected a whole number from %" PRId64
                     " to %" PRId64,
                     r->label, r->line, column_names[c], quoted(digits).text, least, most);
}

static mbs_status read_range(const reader *r, mbs_live_range *range)
{
    int64_t lower;
    int64_t upper = 0;
    int64_t alignment;
    for (column c = 0; c < COLUMNS; c++)
        if (r->at[c] >= r->field_count)
            return error_set(r->error, MBS_ERR_INPUT,
                             "%s:%" PRId64
                             ": %d fields, but column \"%s\" is the %d. of the header",
                             r->label, r->line, r->field_count, column_names[c], r->at[c] + 1);
    mbs_status status = read_number(r, LOWER, 0, INT32_MAX - 1, &lower);
    if (status == MBS_OK)
        status = read_number(r, UPPER, lower + 1, INT32_MAX, &upper);
    if (status == MBS_OK)
        status = read_number(r, SIZE, 1, INT64_C(1) << 58, &range->size);
    if (status == MBS_OK && r->at[ALIGNMENT] >= 0)
        status = read_number(r, ALIGNMENT, 1, 1, &alignment);
    range->first = (int32_t)lower;
    range->last = (int32_t)(upper - 1);
    range->offset = 0;
    return status;
}

static mbs_status read_ranges(reader *r, mbs_live_ranges *list)
{
    int32_t range_capacity = 0;
    int32_t id_capacity = 0;
    bool any = true;
    mbs_status status = read_header(r);
    while (status == MBS_OK) {
        status = read_row(r, &any);
        if (status != MBS_OK || !any)
            break;
        mbs_live_range *ranges =
            mem_grow(list->ranges, &range_capacity, list->count, sizeof *ranges);
        list->ranges = ranges != NULL ? ranges : list->ranges;
        const char **ids = mem_grow(list->ids, &id_capacity, list->count, sizeof *ids);
        list->ids = ids != NULL ? ids : list->ids;
        if (ranges == NULL || ids == NULL)
            return error_memory(r->error);
        status = read_range(r, &list->ranges[list->count]);
        list->ids[list->count++] = r->fields[r->at[ID]];
    }
    return status;
}

mbs_status mbs_live_ranges_load_file(mbs_live_ranges *list, const char *path, mbs_error *error)
{
    size_t length;
    if (list == NULL || path == NULL)
        return error_set(error, MBS_ERR_ARGUMENT, "null pointer");
    *list = (mbs_live_ranges){0};
    mbs_status status = file_read(&list->text, &length, path, error);
    if (status != MBS_OK)
        return status;
    reader r = {.label = file_label(path), .next = list->text, .error = error};
    if (strlen(list->text) != length)
        status = error_set(error, MBS_ERR_INPUT, "%s: holds a NUL, expected text", r.label);
    if (status == MBS_OK)
        status = read_ranges(&r, list);
    if (status != MBS_OK)
        mbs_live_ranges_free(list);
    return status;
}

void mbs_live_ranges_free(mbs_live_ranges *list)
{
    if (list == NULL)
        return;
    mem_free(list->ranges);
    mem_free(list->ids);
    mem_free(list->text);
    *list = (mbs_live_ranges){0};
}
