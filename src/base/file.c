#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static mbs_status io_error(mbs_error *error, const char *verb, const char *path, int number)
{
    char reason[128];
    if (strerror_r(number, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", number);
    return error_set(error, MBS_ERR_IO, "cannot %s %s: %s", verb, quoted(path).text, reason);
}

static mbs_status read_all(int descriptor, char **data, size_t *length, const char *path,
                           mbs_error *error)
{
    size_t capacity = 65536;
    size_t used = 0;
    char *buffer = malloc(capacity);
    if (buffer == NULL)
        return error_memory(error);
    for (;;) {
        ssize_t got = read(descriptor, buffer + used, capacity - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int number = errno;
            free(buffer);
            return io_error(error, "read", path, number);
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > FILE_MAX_BYTES) {
            free(buffer);
            return error_set(error, MBS_ERR_INPUT, "%s: larger than %zu bytes", quoted(path).text,
                             FILE_MAX_BYTES);
        }
        if (capacity - used <= 1) {
            char *larger = realloc(buffer, capacity * 2);
            if (larger == NULL) {
                free(buffer);
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

mbs_status file_read(char **data, size_t *length, const char *path, mbs_error *error)
{
    *data = NULL;
    *length = 0;
    if (strcmp(path, "-") == 0)
        return read_all(STDIN_FILENO, data, length, "standard input", error);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return io_error(error, "read", path, errno);
    mbs_status status = read_all(descriptor, data, length, path, error);
    close(descriptor);
    return status;
}

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

/* Writes to what `path` names itself: for devices and pipes, which cannot be renamed over. */
static mbs_status write_directly(const char *path, const char *data, size_t length,
                                 mbs_error *error)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return io_error(error, "write", path, errno);
    int number = write_all(descriptor, data, length);
    if (close(descriptor) != 0 && number == 0)
        number = errno;
    return number == 0 ? MBS_OK : io_error(error, "write", path, number);
}

/*
 * Creates a file beside `path` under a name not yet taken and puts that name into `temporary`.
 * Returns its descriptor, or -1 with errno set.
 */
static int create_beside(const char *path, char *temporary, size_t size)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        snprintf(temporary, size, "%s.tmp%ld-%d", path, (long)getpid(), attempt);
        int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* `existing` is what stands at `path` now, or null. */
static mbs_status write_and_rename(const char *path, const struct stat *existing, char *temporary,
                                   size_t size, const char *data, size_t length, mbs_error *error)
{
    int descriptor = create_beside(path, temporary, size);
    if (descriptor < 0)
        return io_error(error, "write", path, errno);
    int number = write_all(descriptor, data, length);
    if (number == 0 && existing != NULL && fchmod(descriptor, existing->st_mode & 07777) != 0)
        number = errno;
    if (number == 0 && fsync(descriptor) != 0 && errno != EINVAL)
        number = errno;
    if (close(descriptor) != 0 && number == 0)
        number = errno;
    if (number == 0 && rename(temporary, path) != 0)
        number = errno;
    if (number == 0)
        return MBS_OK;
    unlink(temporary);
    return io_error(error, "write", path, number);
}

/* Follows a symbolic link, so that writing to it replaces what it points at and not the link. */
static char *real_target(const char *path)
{
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

mbs_status mbs_write_file(const char *path, const char *data, size_t length, mbs_error *error)
{
    struct stat existing;
    int found = stat(path, &existing);
    if (found != 0 && errno != ENOENT)
        return io_error(error, "write", path, errno);
    if (found == 0 && S_ISDIR(existing.st_mode))
        return io_error(error, "write", path, EISDIR);
    if (found == 0 && !S_ISREG(existing.st_mode))
        return write_directly(path, data, length, error);
    char *target = real_target(path);
    size_t size = target != NULL ? strlen(target) + 48 : 0;
    char *temporary = target != NULL ? malloc(size) : NULL;
    mbs_status status = temporary == NULL ? error_memory(error)
                                          : write_and_rename(target, found == 0 ? &existing : NULL,
                                                             temporary, size, data, length, error);
    free(temporary);
    free(target);
    return status;
}
