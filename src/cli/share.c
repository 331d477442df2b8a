#include "share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool readable(char *path, size_t size, const char *folder, const char *name)
{
    const int length = snprintf(path, size, "%s/%s", folder, name);
    return length > 0 && (size_t)length < size && access(path, R_OK) == 0;
}

/* The folder of the running program; false if the system does not tell. */
static bool find_own_folder(char *folder, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    if (length <= 0 || (size_t)length >= size - 1)
        return false;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return true;
}

bool share_find(char *path, size_t size, const char *name)
{
    static const char *const folders[] = {MBSOPT_SOURCE "/models", MBSOPT_SOURCE "/scripts",
                                          MBSOPT_SHARE};
    char own[SHARE_PATH_BYTES];
    char beside[SHARE_PATH_BYTES + sizeof MBSOPT_SHARE_FROM_PROGRAM];
    if (find_own_folder(own, sizeof own)) {
        snprintf(beside, sizeof beside, "%s/%s", own, MBSOPT_SHARE_FROM_PROGRAM);
        if (readable(path, size, beside, name))
            return true;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (readable(path, size, folders[i], name))
            return true;
    return false;
}

const char *share_python(void)
{
    const char *chosen = getenv("MBSOPT_PYTHON");
    if (chosen != NULL && chosen[0] != '\0')
        return chosen;
    return access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
}
