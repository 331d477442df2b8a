#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"

/* What reading a descriptor returns where errno says what is wrong. */
#define READ_ERRNO (-4711)

mbs_status file_error(mbs_error *error, const char *verb, const char *path, int number)
{
    char reason[128];
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
    return error_set(error, MBS_ERR_IO, "cannot %s %s: %s", verb, quoted(path).text, reason);
}

const char *file_label(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static mbs_status too_large(const char *label, mbs_error *error)
{
    return error_set(error, MBS_ERR_INPUT, "%s: larger than %zu bytes", quoted(label).text,
                     FILE_MAX_BYTES);
}

mbs_status stream_read(char **data, size_t *length, mbs_read_function *read_some, void *context,
                       const char *label, mbs_error *error)
{
    size_t capacity = 65536;
    size_t used = 0;
    *data = NULL;
    *length = 0;
    char *buffer = mem_alloc(capacity);
    if (buffer == NULL)
        return error_memory(error);
    for (;;) {
        size_t room = capacity - used - 1;
        int64_t got = read_some(context, buffer + used, room);
        if (got < 0 || (uint64_t)got > room) {
            mem_free(buffer);
            return got == READ_ERRNO ? file_error(error, "read", label, errno)
                                     : error_set(error, MBS_ERR_IO,
                                                 "cannot read %s: the stream "
                                                 "failed",
                                                 quoted(label).text);
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > FILE_MAX_BYTES) {
            mem_free(buffer);
            return too_large(label, error);
        }
        if (capacity - used <= 1) {
            char *larger = mem_realloc(buffer, capacity * 2);
            if (larger == NULL) {
                mem_free(buffer);
                return error_memory(error);
            }
            buffer = larger;
            capacity *= 2;
        }
    }
    buffer[used] = '\0';
    *data = buffer;
    *length = used;
    return MBS_OK;
}

static int64_t read_descriptor(void *context, char *data, size_t room)
{
    for (;;) {
        ssize_t got = read(*(const int *)context, data, room);
        if (got >= 0 || errno != EINTR)
            return got >= 0 ? got : READ_ERRNO;
    }
}

mbs_status file_read(char **data, size_t *length, const char *path, mbs_error *error)
{
    *data = NULL;
    *length = 0;
    int descriptor = STDIN_FILENO;
    if (strcmp(path, "-") == 0)
        return stream_read(data, length, read_descriptor, &descriptor, file_label(path), error);
    descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return file_error(error, "read", path, errno);
    struct stat about;
    mbs_status status;
    if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode) &&
        about.st_size > (off_t)FILE_MAX_BYTES)
        status = too_large(path, error);
    else
        status = stream_read(data, length, read_descriptor, &descriptor, path, error);
    close(descriptor);
    return status;
}

char *file_target(const char *path)
{
    char *resolved = realpath(path, NULL); /* of the C library */
    if (resolved == NULL && errno == ENOMEM)
        return NULL;
    char *target = mem_strdup(resolved != NULL ? resolved : path);
    free(resolved);
    return target;
}
