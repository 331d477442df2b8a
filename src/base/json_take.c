#include "base/json_take.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- Taking values --------------------------------------------------------------------------- */

const cJSON *json_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *json_kind(const cJSON *value)
{
    if (value == NULL)
        return "nothing";
    if (cJSON_IsString(value))
        return "a string";
    if (cJSON_IsNumber(value))
        return "a number";
    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    if (cJSON_IsNull(value))
        return "null";
    return cJSON_IsArray(value) ? "an array" : "an object";
}

/* For a number within int64_t. */
static bool is_whole(double number)
{
    return (double)(int64_t)number == number;
}

json_shown json_show(const cJSON *value)
{
    json_shown shown;
    if (cJSON_IsString(value)) {
        snprintf(shown.text, sizeof shown.text, "%s", quoted(value->valuestring).text);
    } else if (!cJSON_IsNumber(value)) {
        snprintf(shown.text, sizeof shown.text, "%s", json_kind(value));
    } else if (isinf(value->valuedouble)) {
        snprintf(shown.text, sizeof shown.text, "a number %s",
                 value->valuedouble > 0 ? "above 1.7e308" : "below -1.7e308");
    } else if (fabs(value->valuedouble) < 1e17 && is_whole(value->valuedouble)) {
        snprintf(shown.text, sizeof shown.text, "%.0f", value->valuedouble);
    } else { /* the shortest form that means the same number */
        for (int digits = 1; digits <= 17; digits++) {
            snprintf(shown.text, sizeof shown.text, "%.*g", digits, value->valuedouble);
            if (strtod(shown.text, NULL) == value->valuedouble)
                break;
        }
    }
    return shown;
}

void json_unexpected(json_document *document, const json_path *at, const char *member,
                     const cJSON *value, const char *what)
{
    if (value == NULL)
        json_fault(document, at, member, "is missing, expected %s", what);
    else
        json_fault(document, at, member, "found %s, expected %s", json_show(value).text, what);
}

bool json_integer(json_document *document, const json_path *at, const char *member,
                  const cJSON *value, int64_t minimum, int64_t maximum, int64_t *result)
{
    if (maximum > JSON_MAX_INTEGER)
        maximum = JSON_MAX_INTEGER;
    /* the comparisons come first: they keep infinities and 1e300 from the conversion */
    if (cJSON_IsNumber(value) && value->valuedouble >= (double)minimum &&
        value->valuedouble <= (double)maximum && is_whole(value->valuedouble)) {
        *result = (int64_t)value->valuedouble;
        return true;
    }
    char what[80];
    snprintf(what, sizeof what, "a whole number from %" PRId64 " to %" PRId64, minimum, maximum);
    json_unexpected(document, at, member, value, what);
    return false;
}

bool json_real(json_document *document, const json_path *at, const char *member, const cJSON *value,
               double *result)
{
    if (cJSON_IsNumber(value) && isfinite(value->valuedouble) && value->valuedouble >= 0) {
        *result = value->valuedouble;
        return true;
    }
    json_unexpected(document, at, member, value, "a number from 0 up");
    return false;
}

const char *json_name(json_document *document, const json_path *at, const char *member,
                      const cJSON *value)
{
    if (cJSON_IsString(value) && value->valuestring[0] != '\0')
        return value->valuestring;
    json_unexpected(document, at, member, value, "a string that is not empty");
    return NULL;
}

bool json_boolean(json_document *document, const json_path *at, const char *member,
                  const cJSON *value, bool *result)
{
    if (!cJSON_IsBool(value)) {
        json_unexpected(document, at, member, value, "true or false");
        return false;
    }
    *result = cJSON_IsTrue(value) != 0;
    return true;
}

bool json_check_format(json_document *document, const char *wanted)
{
    const cJSON *format = json_member(document->root, "format");
    if (cJSON_IsString(format) && strcmp(format->valuestring, wanted) == 0)
        return true;
    json_unexpected(document, NULL, "format", format, quoted(wanted).text);
    return false;
}

/* ---- Names ----------------------------------------------------------------------------------- */

bool json_is_ignored(const char *member)
{
    return strncmp(member, "x_", 2) == 0;
}

void json_check_members(json_document *document, const json_path *at, const cJSON *object,
                        const char *const *known)
{
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        bool found = json_is_ignored(child->string);
        for (size_t i = 0; !found && known[i] != NULL; i++)
            found = strcmp(known[i], child->string) == 0;
        if (found)
            continue;
        name_guess guess = name_guess_start(child->string);
        for (size_t i = 0; known[i] != NULL && json_fault_is_shown(document); i++)
            name_guess_try(&guess, known[i]);
        json_fault(document, at, NULL, "unknown member %s%s", quoted(child->string).text,
                   name_guess_show(&guess).text);
    }
}

#define MAX_GUESS_BYTES 63 /* longer names are compared with none: messages must stay cheap */

size_t name_distance(const char *a, const char *b, size_t limit)
{
    size_t rows = strnlen(a, MAX_GUESS_BYTES + 1);
    size_t columns = strnlen(b, MAX_GUESS_BYTES + 1);
    size_t apart = rows > columns ? rows - columns : columns - rows;
    if (rows > MAX_GUESS_BYTES || columns > MAX_GUESS_BYTES || apart >= limit)
        return limit;
    size_t row[MAX_GUESS_BYTES + 1]; /* distances of a's first i bytes to each start of b */
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = row[0];
        size_t least = row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t skip = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < skip ? change : skip;
            least = row[j] < least ? row[j] : least;
        }
        if (least >= limit)
            return limit;
    }
    return row[columns] < limit ? row[columns] : limit;
}

name_guess name_guess_start(const char *name)
{
    const size_t most_typos = 3;
    size_t typos = strnlen(name, MAX_GUESS_BYTES) / 3;
    return (name_guess){name, NULL, (typos < most_typos ? typos : most_typos) + 1};
}

void name_guess_try(name_guess *guess, const char *candidate)
{
    size_t distance = name_distance(guess->name, candidate, guess->distance);
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = candidate;
    }
}

json_shown name_guess_show(const name_guess *guess)
{
    json_shown shown = {""};
    if (guess->best != NULL)
        snprintf(shown.text, sizeof shown.text, " (did you mean %s?)", quoted(guess->best).text);
    return shown;
}
