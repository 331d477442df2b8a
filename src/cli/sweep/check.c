/* What a file of rows holds: how much of a sweep, and what else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "sweep/sweep.h"

/* A file as it is read. */
typedef struct reader {
    const sweep *of;
    const char *name;
    FILE *stream;
    sweep_rows *found;
    char *line; /* without its newline */
    size_t room;
    size_t length;
    bool whole;    /* it had a newline */
    size_t number; /* of the line, from 1 */
    size_t last;   /* position in the shard of the row before; SIZE_MAX: there was none */
    bool in_order; /* all lines so far go on with each other */
    bool twice;    /* of those behind: a row is there once more, */
    bool strange;  /* or something that is no row of this sweep */
} reader;

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

static bool read_line(reader *r)
{
    ssize_t length = getline(&r->line, &r->room, r->stream);
    if (length <= 0)
        return false;
    r->number++;
    r->whole = r->line[length - 1] == '\n';
    r->length = (size_t)length - (size_t)r->whole;
    r->line[r->length] = '\0';
    /* where a machine lost its power while a row was written the file may end in zeros */
    while (!r->whole && r->length > 0 && r->line[r->length - 1] == '\0')
        r->length--;
    return true;
}

/* Whether the line begins with `start`, as far as it goes if it was cut off. */
static bool begins(const reader *r, const char *start)
{
    const size_t wanted = strlen(start);
    const size_t compared = r->whole || r->length > wanted ? wanted : r->length;
    return strlen(r->line) == r->length && strncmp(r->line, start, compared) == 0;
}

/* Whether the line is the row of the shard's point at `position`, as far as it goes. */
static int is_row(bool *same, const reader *r, size_t position)
{
    *same = false;
    if (position >= sweep_shard_size(r->of))
        return EXIT_OK;
    const sweep_point at = sweep_point_at(r->of, sweep_shard_index(r->of, position));
    char *start = sweep_row_start(r->of, &at);
    if (start == NULL)
        return out_of_memory();
    *same = begins(r, start) && (!r->whole || sweep_row_is_whole(r->of, r->line, strlen(start)));
    free(start);
    return EXIT_OK;
}

/* Says what is wrong with the first line that does not go on with those before it. */
static void end_order(reader *r, const char *what, size_t position)
{
    sweep_rows *found = r->found;
    char *name = NULL;
    if (position < sweep_shard_size(r->of)) {
        const sweep_point at = sweep_point_at(r->of, sweep_shard_index(r->of, position));
        name = sweep_point_name(r->of, &at);
    }
    snprintf(found->why, sizeof found->why, "%s:%zu: %s%s", r->name, r->number, what,
             name != NULL ? name : "");
    free(name);
    r->in_order = false;
}

/* The same; `older` and its name where the line lacks what older versions did not write. */
static void say_older_or(reader *r, const char *older, const char *what, size_t position)
{
    char text[128];
    const char *lacks = r->whole ? sweep_older_lacks(r->line, r->of->json) : NULL;
    if (lacks != NULL)
        snprintf(text, sizeof text, "%s%s", older, lacks);
    end_order(r, lacks != NULL ? text : what, lacks != NULL ? SIZE_MAX : position);
}

static int check_header(reader *r)
{
    char *header = sweep_header(r->of);
    if (header == NULL)
        return out_of_memory();
    r->found->has_header = r->whole;
    if (!begins(r, header) || r->length > strlen(header)) {
        say_older_or(r, "is the header of an older version's sweep, without the column ",
                     "is not the header of a sweep's CSV file", SIZE_MAX);
        r->strange = true;
    }
    free(header);
    return EXIT_OK;
}

/* The place in the shard that the line's index says; SIZE_MAX if it says none. */
static size_t said_position(const reader *r)
{
    static const char json_start[] = "{\"index\": ";
    const char *text = r->line;
    char *end;
    if (r->of->json && strncmp(text, json_start, sizeof json_start - 1) != 0)
        return SIZE_MAX;
    text += r->of->json ? sizeof json_start - 1 : 0;
    if (*text < '0' || *text > '9')
        return SIZE_MAX;
    const unsigned long long index = strtoull(text, &end, 10);
    if (index >= r->of->point_count || index % r->of->shards != r->of->shard)
        return SIZE_MAX;
    return (size_t)index / r->of->shards;
}

/*
 * A line behind the rows that are in order. Two runs that once wrote to one file leave rows twice:
 * the file is then still of this sweep, if that is all there is.
 */
static int check_behind(reader *r)
{
    const size_t position = said_position(r);
    bool same;
    int status = is_row(&same, r, position);
    r->strange = !same;
    r->twice = r->twice || (same && r->last != SIZE_MAX && position <= r->last);
    r->last = position;
    return status;
}

static int check_row(reader *r)
{
    sweep_rows *found = r->found;
    bool same;
    int status = is_row(&same, r, found->rows);
    if (status != EXIT_OK)
        return status;
    if (!same) {
        const bool all = found->rows == sweep_shard_size(r->of);
        const char *what =
            all ? "more rows than this sweep has points" : "is not the row of this sweep's ";
        if (r->of->json)
            say_older_or(r, "is a row of an older version's sweep, without the member ", what,
                         found->rows);
        else
            end_order(r, what, found->rows);
        return check_behind(r);
    }
    r->last = found->rows;
    found->rows += r->whole;
    return EXIT_OK;
}

int sweep_check_rows(sweep_rows *found, const sweep *of, const char *name, FILE *stream)
{
    reader r = {.of = of,
                .name = name,
                .stream = stream,
                .found = found,
                .last = SIZE_MAX,
                .in_order = true};
    int status = EXIT_OK;
    *found = (sweep_rows){0};
    while (status == EXIT_OK && !r.strange && read_line(&r)) {
        if (!r.in_order)
            status = check_behind(&r);
        else
            status = !of->json && r.number == 1 ? check_header(&r) : check_row(&r);
        if (r.in_order && r.whole)
            found->kept += (off_t)r.length + 1;
    }
    if (status == EXIT_OK && ferror(stream)) {
        complain("cannot read %s: %s", name, strerror(errno));
        status = EXIT_SYSTEM;
    }
    found->are_twice = r.twice && !r.strange;
    found->are_strange = !r.in_order && !found->are_twice;
    free(r.line);
    return status;
}
