/* Where a sweep's rows go: standard output, a new file, or one of an interrupted run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "sweep/sweep.h"

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

static int system_error(const char *verb, const char *name)
{
    complain("cannot %s %s: %s", verb, name, strerror(errno));
    return EXIT_SYSTEM;
}

/* ---- Checking a file to go on with ----------------------------------------------------------- */

/* A file of rows as it is read. */
typedef struct old_file {
    const char *name;
    FILE *stream;
    char *line; /* without its newline */
    size_t room;
    size_t length;
    bool whole;      /* it had a newline */
    size_t number;   /* of the line, from 1 */
    off_t kept;      /* bytes of the lines that are good */
    bool has_header; /* where there is one */
    size_t rows;
} old_file;

static bool read_line(old_file *file)
{
    ssize_t length = getline(&file->line, &file->room, file->stream);
    if (length <= 0)
        return false;
    file->number++;
    file->whole = file->line[length - 1] == '\n';
    file->length = (size_t)length - (size_t)file->whole;
    file->line[file->length] = '\0';
    return true;
}

static int other_sweep(const old_file *file, const char *why)
{
    complain("%s:%zu: %s; the file is left as it was", file->name, file->number, why);
    return EXIT_BAD_INPUT;
}

/* Whether the line begins with `start`, as far as it goes if it was cut off. */
static bool begins(const old_file *file, const char *start)
{
    const size_t wanted = strlen(start);
    const size_t compared = file->whole || file->length > wanted ? wanted : file->length;
    return strncmp(file->line, start, compared) == 0;
}

static int check_header(old_file *file)
{
    char *header = sweep_header();
    if (header == NULL)
        return out_of_memory();
    const bool same = begins(file, header) && file->length <= strlen(header);
    free(header);
    if (!same)
        return other_sweep(file, "is not the header of a sweep's CSV file");
    file->has_header = file->whole;
    return EXIT_OK;
}

static int check_row(old_file *file, const sweep *of)
{
    if (file->rows == sweep_shard_size(of))
        return other_sweep(file, "more rows than this sweep has points");
    const sweep_point at = sweep_point_at(of, sweep_shard_index(of, file->rows));
    char *start = sweep_row_start(of, &at);
    if (start == NULL)
        return out_of_memory();
    const bool same = begins(file, start);
    const bool broken = file->whole && same && !sweep_row_is_whole(of, file->line, strlen(start));
    free(start);
    if (!same) {
        char *name = sweep_point_name(of, &at);
        complain("%s:%zu: is not the row of this sweep's %s; the file is left as it was",
                 file->name, file->number, name != NULL ? name : "point");
        free(name);
        return EXIT_BAD_INPUT;
    }
    if (broken)
        return other_sweep(file, "is not a whole row");
    file->rows += file->whole;
    return EXIT_OK;
}

static int check_lines(old_file *file, const sweep *of)
{
    int status = EXIT_OK;
    while (status == EXIT_OK && read_line(file)) {
        if (strlen(file->line) != file->length)
            return other_sweep(file, "holds a NUL byte");
        status = !of->json && file->number == 1 ? check_header(file) : check_row(file, of);
        if (status == EXIT_OK && file->whole)
            file->kept += (off_t)file->length + 1;
    }
    if (status == EXIT_OK && ferror(file->stream))
        return system_error("read", file->name);
    return status;
}

/* Opens the file for more rows, without the line that was cut off. */
static int reopen(sweep_output *out, const old_file *file)
{
    out->descriptor = open(file->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (out->descriptor < 0)
        return system_error("write", file->name);
    if (ftruncate(out->descriptor, file->kept) != 0)
        return system_error("write", file->name);
    out->done = file->rows;
    return EXIT_OK;
}

static int open_old(sweep_output *out, const sweep *of, bool *has_header)
{
    old_file file = {.name = of->resume};
    struct stat found;
    int status = EXIT_OK;
    file.stream = fopen(of->resume, "r");
    /* there may be none yet, so that a job that is started anew needs no other command */
    if (file.stream == NULL && errno != ENOENT)
        return system_error("read", file.name);
    if (file.stream != NULL) {
        if (fstat(fileno(file.stream), &found) != 0 || !S_ISREG(found.st_mode)) {
            complain("cannot go on with %s: it is no regular file", file.name);
            status = EXIT_SYSTEM;
        } else {
            status = check_lines(&file, of);
        }
        fclose(file.stream);
    }
    free(file.line);
    *has_header = file.has_header;
    return status == EXIT_OK ? reopen(out, &file) : status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

int sweep_output_line(const sweep_output *out, const char *line, size_t length)
{
    while (length > 0) {
        ssize_t put = write(out->descriptor, line, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return system_error("write", out->name);
        line += put;
        length -= (size_t)put;
    }
    return EXIT_OK;
}

static int write_header(const sweep_output *out)
{
    char *header = sweep_header();
    if (header == NULL)
        return out_of_memory();
    const size_t length = strlen(header);
    header[length] = '\n'; /* in the place of its end: lines are not text */
    int status = sweep_output_line(out, header, length + 1);
    free(header);
    return status;
}

int sweep_output_open(sweep_output *out, const sweep *of)
{
    bool has_header = false;
    int status = EXIT_OK;
    *out = (sweep_output){.name = of->resume, .descriptor = -1};
    if (of->resume != NULL) {
        status = open_old(out, of, &has_header);
    } else if (of->output != NULL && strcmp(of->output, "-") != 0) {
        out->name = of->output;
        out->descriptor = open(of->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        status = out->descriptor < 0 ? system_error("write", out->name) : EXIT_OK;
    } else {
        out->name = "standard output";
        out->descriptor = STDOUT_FILENO;
    }
    return status == EXIT_OK && !has_header && !of->json ? write_header(out) : status;
}

int sweep_output_close(sweep_output *out)
{
    const int descriptor = out->descriptor;
    out->descriptor = -1;
    if (descriptor < 0 || descriptor == STDOUT_FILENO)
        return EXIT_OK;
    return close(descriptor) == 0 ? EXIT_OK : system_error("write", out->name);
}
