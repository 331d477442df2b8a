/* Where a sweep's rows go, and that no one else writes there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "sweep/sweep.h"

#define SUFFIX ".part"

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

/* ---- The part's lock ------------------------------------------------------------------------- */

typedef enum hold { HOLD_MINE, HOLD_OTHERS, HOLD_NONE } hold;

/* Locks the whole part; if another process has it, *holder is what is known of its number. */
static hold try_lock(const sweep_output *out, pid_t *holder)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    for (;;) {
        if (fcntl(out->descriptor, F_SETLK, &all) == 0)
            return HOLD_MINE;
        if (errno == EINTR)
            continue;
        if (errno != EACCES && errno != EAGAIN)
            return HOLD_NONE;
        struct flock other = all;
        if (fcntl(out->descriptor, F_GETLK, &other) != 0)
            return HOLD_NONE;
        if (other.l_type != F_UNLCK) { /* else it has just been given up */
            *holder = other.l_pid;
            return HOLD_OTHERS;
        }
    }
}

static int say_holder(const sweep_output *out, pid_t holder)
{
    char host[256] = "this machine";
    if (gethostname(host, sizeof host) != 0 || memchr(host, '\0', sizeof host) == NULL)
        host[0] = '\0';
    if (holder > 0)
        complain("%s: process %ld on %s is writing it; wait until that is done, or end it",
                 out->name, (long)holder, host[0] != '\0' ? host : "this machine");
    else /* so systems say that it is none of their own */
        complain("%s: a process of another machine or container is writing it; wait until that is "
                 "done, or end it",
                 out->name);
    return EXIT_SYSTEM;
}

/* Whether the part is still the file of that name: whoever had it may have finished meanwhile. */
static bool is_still_there(const sweep_output *out)
{
    struct stat ours;
    struct stat there;
    return fstat(out->descriptor, &ours) == 0 && lstat(out->part, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int open_part(sweep_output *out)
{
    struct stat found;
    pid_t holder = 0;
    hold held = HOLD_MINE;
    do {
        if (out->descriptor >= 0)
            close(out->descriptor);
        out->descriptor =
            open(out->part, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (out->descriptor < 0)
            return system_error("write", out->part);
        if (fstat(out->descriptor, &found) != 0 || !S_ISREG(found.st_mode)) {
            complain("cannot write %s: it is no regular file", out->part);
            return EXIT_SYSTEM;
        }
        held = try_lock(out, &holder);
        if (held == HOLD_OTHERS)
            return say_holder(out, holder);
    } while (!is_still_there(out));
    if (held == HOLD_NONE)
        note("%s cannot be locked (%s): take care that no other process writes it", out->part,
             strerror(errno));
    /* the lock is lost with the first descriptor of the file that is closed: there is only one */
    out->stream = fdopen(out->descriptor, "r");
    return out->stream != NULL ? EXIT_OK : out_of_memory();
}

/* ---- What is there already ------------------------------------------------------------------- */

static int refuse(const sweep_rows *found)
{
    complain("%s; the file is left as it was (--force replaces it)", found->why);
    return EXIT_BAD_INPUT;
}

/* What the part holds of the sweep, which is not to be lost unasked. */
static int check_part(sweep_rows *found, const sweep_output *out, const sweep *of)
{
    int status = sweep_check_rows(found, of, out->part, out->stream);
    if (status != EXIT_OK || of->force)
        return status;
    if (found->are_strange)
        return refuse(found);
    if (of->resume != NULL || found->rows == 0)
        return EXIT_OK;
    complain(
        "%s holds %zu rows of an interrupted run: --resume %s goes on with them, --force begins "
        "anew",
        out->part, found->rows, out->name);
    return EXIT_BAD_INPUT;
}

/* Likewise the file that the part is to replace. *stream is null if there is none. */
static int check_target(sweep_rows *found, FILE **stream, const sweep_output *out, const sweep *of)
{
    *found = (sweep_rows){0};
    *stream = fopen(out->target, "r");
    if (*stream == NULL)
        return errno == ENOENT ? EXIT_OK : system_error("read", out->name);
    int status = sweep_check_rows(found, of, out->name, *stream);
    return status == EXIT_OK && found->are_strange && !of->force ? refuse(found) : status;
}

static int copy_rows(const sweep_output *out, FILE *from, off_t bytes)
{
    char block[65536];
    int status = EXIT_OK;
    rewind(from);
    while (bytes > 0 && status == EXIT_OK) {
        const size_t wanted = bytes < (off_t)sizeof block ? (size_t)bytes : sizeof block;
        const size_t got = fread(block, 1, wanted, from);
        if (got == 0)
            return system_error("read", out->name);
        status = sweep_output_line(out, block, got);
        bytes -= (off_t)got;
    }
    return status;
}

static int write_header(const sweep_output *out, const sweep *of)
{
    char *header = sweep_header(of);
    if (header == NULL)
        return out_of_memory();
    const size_t length = strlen(header);
    header[length] = '\n'; /* in the place of its end: lines are not text */
    int status = sweep_output_line(out, header, length + 1);
    free(header);
    return status;
}

static void note_dropped(const sweep_rows *found)
{
    if (found->are_twice || found->are_strange)
        note("%s; the %zu rows before are kept, the rest is planned again", found->why,
             found->rows);
}

/*
 * Brings the part to where the sweep goes on: with its own rows, or if it has none with those of
 * the file itself.
 */
static int go_on(sweep_output *out, const sweep *of, const sweep_rows *part,
                 const sweep_rows *target, FILE *target_stream)
{
    const bool copies = part->rows == 0 && target->rows > 0;
    const sweep_rows *taken = copies ? target : part;
    int status = EXIT_OK;
    if (ftruncate(out->descriptor, copies ? 0 : taken->kept) != 0)
        return system_error("write", out->part);
    if (copies)
        status = copy_rows(out, target_stream, taken->kept);
    else if (!taken->has_header && !of->json)
        status = write_header(out, of);
    note_dropped(part);
    if (part->rows == 0)
        note_dropped(target);
    out->done = status == EXIT_OK ? taken->rows : 0;
    return status;
}

static int begin_anew(const sweep_output *out, const sweep *of)
{
    if (ftruncate(out->descriptor, 0) != 0)
        return system_error("write", out->part);
    return of->json ? EXIT_OK : write_header(out, of);
}

static int open_file(sweep_output *out, const sweep *of)
{
    sweep_rows part;
    sweep_rows target;
    FILE *target_stream = NULL;
    char *target_path = realpath(out->name, NULL); /* a link stays one */
    out->target = target_path != NULL ? target_path : strdup(out->name);
    out->part = out->target != NULL ? malloc(strlen(out->target) + sizeof SUFFIX) : NULL;
    if (out->part == NULL)
        return out_of_memory();
    stpcpy(stpcpy(out->part, out->target), SUFFIX);
    int status = open_part(out);
    if (status == EXIT_OK)
        status = check_part(&part, out, of);
    if (status == EXIT_OK)
        status = check_target(&target, &target_stream, out, of);
    if (status == EXIT_OK) {
        out->is_mine = true;
        status = of->resume != NULL ? go_on(out, of, &part, &target, target_stream)
                                    : begin_anew(out, of);
    }
    if (target_stream != NULL)
        fclose(target_stream);
    return status;
}

/* ---- The output ------------------------------------------------------------------------------ */

static int open_directly(sweep_output *out, const sweep *of, int descriptor)
{
    out->descriptor = descriptor;
    if (descriptor < 0)
        return system_error("write", out->name);
    return of->json ? EXIT_OK : write_header(out, of);
}

/* Whether the path leads to where standard output goes, as /dev/stdout does. */
static bool is_standard_output(const struct stat *found)
{
    struct stat standard;
    return fstat(STDOUT_FILENO, &standard) == 0 && standard.st_dev == found->st_dev &&
           standard.st_ino == found->st_ino;
}

int sweep_output_open(sweep_output *out, const sweep *of)
{
    const char *path = of->resume != NULL ? of->resume : of->output;
    struct stat found;
    *out = (sweep_output){.name = path, .descriptor = -1};
    if (path == NULL || strcmp(path, "-") == 0) {
        out->name = "standard output";
        return open_directly(out, of, STDOUT_FILENO);
    }
    const bool exists = stat(path, &found) == 0;
    if (!exists && errno != ENOENT)
        return system_error("read", path);
    if (!exists || (S_ISREG(found.st_mode) && (of->resume != NULL || !is_standard_output(&found))))
        return open_file(out, of);
    if (of->resume != NULL) {
        complain("cannot go on with %s: it is no regular file", path);
        return EXIT_SYSTEM;
    }
    if (is_standard_output(&found))
        return open_directly(out, of, STDOUT_FILENO);
    return open_directly(out, of, open(path, O_WRONLY | O_CLOEXEC));
}

int sweep_output_line(const sweep_output *out, const char *line, size_t length)
{
    while (length > 0) {
        ssize_t put = write(out->descriptor, line, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return system_error("write", out->part != NULL ? out->part : out->name);
        line += put;
        length -= (size_t)put;
    }
    return EXIT_OK;
}

/* The part, with all rows, takes the place of the file, and has its mode. */
static int replace_target(const sweep_output *out)
{
    struct stat before;
    if (stat(out->target, &before) == 0 && fchmod(out->descriptor, before.st_mode & 07777) != 0)
        return system_error("write", out->part);
    if (fsync(out->descriptor) != 0)
        return system_error("write", out->part);
    return rename(out->part, out->target) == 0 ? EXIT_OK : system_error("write", out->name);
}

int sweep_output_close(sweep_output *out, bool whole)
{
    const int descriptor = out->descriptor;
    struct stat found;
    int status = EXIT_OK;
    out->descriptor = -1;
    if (out->stream != NULL) {
        out->descriptor = descriptor;
        if (whole)
            status = replace_target(out);
        else if (out->done == 0 &&
                 (out->is_mine || (fstat(descriptor, &found) == 0 && found.st_size == 0)))
            unlink(out->part); /* nothing in it is worth going on with */
        fclose(out->stream);
    } else if (descriptor >= 0 && descriptor != STDOUT_FILENO && close(descriptor) != 0) {
        status = system_error("write", out->name);
    }
    free(out->target);
    free(out->part);
    *out = (sweep_output){.name = out->name, .descriptor = -1};
    return status;
}
