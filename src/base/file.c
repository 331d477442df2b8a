#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

mbs_status file_error(mbs_error *error, const char *verb, const char *path, int number)
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
            return file_error(error, "read", path, number);
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
        return file_error(error, "read", path, errno);
    mbs_status status = read_all(descriptor, data, length, path, error);
    close(descriptor);
    return status;
}
