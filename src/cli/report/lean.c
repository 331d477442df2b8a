/* JSON of which much is left out. What is read was written by this program, and so is JSON. */
#include <stdbool.h>
#include <string.h>

#include "report/report.h"

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind the string that begins here. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

/* Behind the value that begins here. */
static const char *skip_value(const char *at)
{
    size_t depth = 0;
    for (at = skip_blanks(at); *at != '\0'; at++) {
        if (depth == 0 && strchr(",]}", *at) != NULL)
            return at;
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (*at == '"')
            at = skip_string(at) - 1;
    }
    return at;
}

static const lean_member *find(const lean_member *members, const char *name, size_t length)
{
    for (; members->name != NULL; members++)
        if (strlen(members->name) == length && strncmp(members->name, name, length) == 0)
            return members;
    return NULL;
}

static void put_part(FILE *out, const char *at, const char *end, const lean_member *members);

/* The first values of the list that begins here; returns what is behind it. */
static const char *put_first(FILE *out, const char *list, size_t kept, const lean_member *members)
{
    const char *end = skip_value(list);
    const char *at = list + 1;
    for (size_t i = 0; i < kept && at < end - 1; i++)
        at = skip_value(at + (i > 0));
    fputc('[', out);
    put_part(out, list + 1, at, members);
    fputc(']', out);
    return end;
}

/* What a string begins: it, or the member whose name it is; returns what is behind that, and
 * whether anything was put. */
static const char *put_named(FILE *out, const char *at, bool comma, const lean_member *members,
                             bool *is_put)
{
    const char *end = skip_string(at);
    const char *colon = skip_blanks(end);
    const lean_member *member =
        *colon == ':' ? find(members, at + 1, (size_t)(end - at) - 2) : NULL;
    *is_put = member == NULL || member->kept > 0;
    if (!*is_put)
        return skip_value(colon + 1);
    fprintf(out, "%s%.*s", comma ? "," : "", (int)(end - at), at);
    const char *value = skip_blanks(*colon == ':' ? colon + 1 : end);
    if (member == NULL || *value != '[')
        return end;
    fputc(':', out);
    return put_first(out, value, member->kept, members);
}

/* Commas wait for what comes next: it may be left out. */
static void put_part(FILE *out, const char *at, const char *end, const lean_member *members)
{
    bool comma = false;
    bool first_is_gone = false;
    for (at = skip_blanks(at); at < end; at = skip_blanks(at)) {
        bool is_put = true;
        if (*at == ',') {
            comma = !first_is_gone;
            first_is_gone = false;
            at++;
            continue;
        }
        if (*at == '}' || *at == ']') {
            comma = first_is_gone = false;
            fputc(*at++, out);
            continue;
        }
        if (*at == '"') {
            at = put_named(out, at, comma, members, &is_put);
        } else {
            fprintf(out, "%s%c", comma ? "," : "", *at++);
        }
        first_is_gone = !is_put && !comma;
        comma = comma && !is_put;
    }
}

void lean_put(FILE *out, const char *json, const lean_member *members)
{
    put_part(out, json, json + strlen(json), members);
}
