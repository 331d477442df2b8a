#include "base/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

/* The text is emptied when it is longer than this. */
#define SINK_BYTES 262144

struct sink {
    text out;
    char *path;      /* as the caller called it, for messages */
    char *target;    /* the regular file to be replaced; null: `descriptor` is the file itself */
    char *temporary; /* what stands for it until the end */
    int descriptor;
    bool existed;
    mode_t mode;                 /* of the file that existed */
    int number;                  /* errno of the first failure, or 0; ECANCELED: it is to end */
    sink_stop_function *is_over; /* or null */
    void *stop_context;
};

static int write_all(int descriptor, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(descriptor, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        length -= (size_t)put;
    }
    return 0;
}

/*
 * Creates a file beside the target under a name not yet taken. Returns its descriptor, or -1 with
 * errno set.
 */
static int create_beside(char *temporary, size_t size, const char *target)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        snprintf(temporary, size, "%s.tmp%ld-%d", target, (long)getpid(), attempt);
        int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* Opens the temporary file. Returns 0, or errno; ENOMEM where memory is out. */
static int open_beside(sink *out, const char *path)
{
    out->target = file_target(path);
    size_t size = out->target != NULL ? strlen(out->target) + 48 : 0;
    out->temporary = out->target != NULL ? mem_alloc(size) : NULL;
    if (out->temporary == NULL)
        return ENOMEM;
    out->descriptor = create_beside(out->temporary, size, out->target);
    return out->descriptor < 0 ? errno : 0;
}

static int open_file(sink *out, const char *path)
{
    struct stat existing;
    if (strcmp(path, "-") == 0) {
        out->descriptor = STDOUT_FILENO;
        return 0;
    }
    out->existed = stat(path, &existing) == 0;
    if (!out->existed && errno != ENOENT)
        return errno;
    if (out->existed && S_ISDIR(existing.st_mode))
        return EISDIR;
    if (!out->existed || S_ISREG(existing.st_mode)) {
        out->mode = out->existed ? existing.st_mode & 07777 : 0;
        return open_beside(out, path);
    }
    out->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    return out->descriptor < 0 ? errno : 0;
}

static mbs_status sink_free(sink *out, mbs_error *error)
{
    mbs_status status = MBS_OK;
    if (out->number == ENOMEM)
        status = error_memory(error);
    else if (out->number == ECANCELED)
        status = error_set(error, MBS_ERR_STOPPED, "stopped before %s was written",
                           quoted(out->path).text);
    else if (out->number != 0)
        status = file_error(error, "write", out->path, out->number);
    text_free(&out->out);
    mem_free(out->path);
    mem_free(out->target);
    mem_free(out->temporary);
    mem_free(out);
    return status;
}

/* `open_it` opens `path` for the new sink and returns 0 or errno. */
static mbs_status sink_begin(sink **result, const char *path, const char *shown,
                             int (*open_it)(sink *out, const char *path), mbs_error *error)
{
    *result = NULL;
    sink *out = mem_calloc(1, sizeof *out);
    if (out == NULL)
        return error_memory(error);
    out->descriptor = -1;
    out->out = (text)TEXT_INIT;
    out->path = mem_strdup(shown);
    out->number = out->path == NULL ? ENOMEM : open_it(out, path);
    if (out->number != 0)
        return sink_free(out, error);
    *result = out;
    return MBS_OK;
}

mbs_status sink_open(sink **out, const char *path, mbs_error *error)
{
    const char *shown = strcmp(path, "-") == 0 ? "standard output" : path;
    return sink_begin(out, path, shown, open_file, error);
}

static int create_file(sink *out, const char *path)
{
    out->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return out->descriptor < 0 ? errno : 0;
}

mbs_status sink_create(sink **out, const char *path, const char *shown, mbs_error *error)
{
    return sink_begin(out, path, shown, create_file, error);
}

void sink_watch(sink *out, sink_stop_function *is_over, void *context)
{
    out->is_over = is_over;
    out->stop_context = context;
}

static void ask_whether_over(sink *out)
{
    if (out->number == 0 && out->is_over != NULL && out->is_over(out->stop_context))
        out->number = ECANCELED;
}

text *sink_text(sink *out)
{
    return &out->out;
}

static void empty(sink *out)
{
    if (out->number == 0 && out->out.failed)
        out->number = ENOMEM;
    if (out->number == 0)
        out->number = write_all(out->descriptor, out->out.data, out->out.length);
    out->out.length = 0;
}

bool sink_flush(sink *out)
{
    ask_whether_over(out);
    if (out->out.failed || out->out.length > SINK_BYTES)
        empty(out);
    return out->number == 0;
}

/* Takes errno as the failure if `result`, as system calls return it, is one. */
static void check_call(sink *out, int result)
{
    if (result != 0 && out->number == 0)
        out->number = errno;
}

/* The temporary file takes its target's place. */
static void replace(sink *out)
{
    if (out->number == 0 && out->existed)
        check_call(out, fchmod(out->descriptor, out->mode));
    if (out->number == 0 && fsync(out->descriptor) != 0 && errno != EINVAL)
        out->number = errno;
    check_call(out, close(out->descriptor));
    if (out->number == 0)
        check_call(out, rename(out->temporary, out->target));
}

mbs_status sink_close(sink *out, bool keep, mbs_error *error)
{
    if (out == NULL)
        return MBS_OK;
    if (keep) {
        ask_whether_over(out);
        empty(out);
    }
    if (out->target != NULL) {
        if (keep)
            replace(out);
        else
            close(out->descriptor);
        if (!keep || out->number != 0)
            unlink(out->temporary);
    } else if (out->descriptor != STDOUT_FILENO) {
        check_call(out, close(out->descriptor));
    }
    if (!keep)
        out->number = 0; /* whoever gives up knows why */
    return sink_free(out, error);
}

mbs_status mbs_write_file(const char *path, const char *data, size_t length, mbs_error *error)
{
    sink *out;
    mbs_status status = sink_open(&out, path, error);
    if (status != MBS_OK)
        return status;
    assert(out != NULL);
    if (length > 0)
        out->number = write_all(out->descriptor, data, length);
    return sink_close(out, true, error);
}
