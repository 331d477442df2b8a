#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

#define MOST_BYTES ((size_t)1 << 30)

extern char **environ;

/* What the importer has written so far. */
typedef struct imported {
    char *text;
    size_t length;
    size_t capacity;
} imported;

bool is_onnx_path(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* The importer's path, or null after saying that there is none. */
static const char *find_importer(void)
{
    static const char *const places[] = {MBSOPT_SOURCE_IMPORTER, MBSOPT_INSTALLED_IMPORTER};
    const char *chosen = getenv("MBSOPT_IMPORTER");
    if (chosen != NULL && chosen[0] != '\0') {
        if (access(chosen, R_OK) == 0)
            return chosen;
        complain("%s, which MBSOPT_IMPORTER names: %s", chosen, strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    complain("the importer of ONNX files is neither %s nor %s; MBSOPT_IMPORTER can name it",
             places[0], places[1]);
    return NULL;
}

static const char *find_python(void)
{
    const char *chosen = getenv("MBSOPT_PYTHON");
    if (chosen != NULL && chosen[0] != '\0')
        return chosen;
    return access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
}

/* Starts the importer, its output into a pipe whose other end is *from. Returns an errno. */
static int start(pid_t *child, int *from, const char *python, char *const arguments[])
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe(ends) != 0)
        return errno;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        for (int i = 0; i < 2 && failure == 0; i++)
            if (ends[i] != STDOUT_FILENO)
                failure = posix_spawn_file_actions_addclose(&actions, ends[i]);
        if (failure == 0)
            failure = posix_spawnp(child, python, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (failure != 0)
        close(ends[0]);
    *from = ends[0];
    return failure;
}

static bool make_room(imported *all)
{
    if (all->length < all->capacity)
        return true;
    size_t larger = all->capacity == 0 ? 65536 : all->capacity * 2;
    char *moved = larger > MOST_BYTES ? NULL : realloc(all->text, larger);
    if (moved == NULL)
        return false;
    all->text = moved;
    all->capacity = larger;
    return true;
}

/* All that comes; false if it is too much or cannot be read. */
static bool read_all(imported *all, int from)
{
    for (;;) {
        if (!make_room(all))
            return false;
        ssize_t got = read(from, all->text + all->length, all->capacity - all->length);
        if (got == 0)
            return true;
        if (got > 0)
            all->length += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
}

/* The importer has said itself what is wrong with the file; its status means what ours does. */
static int importer_status(int status, const char *python, const char *importer)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_SYSTEM)
        return WEXITSTATUS(status);
    if (WIFEXITED(status))
        complain("%s %s ended with status %d", python, importer, WEXITSTATUS(status));
    else
        complain("%s %s was ended by signal %d", python, importer, WTERMSIG(status));
    return EXIT_SYSTEM;
}

int import_onnx(mbs_network **network, const char *path)
{
    const char *importer = find_importer();
    const char *python = find_python();
    imported all = {0};
    mbs_error error;
    pid_t child = -1;
    int from = -1;
    int state = 0; /* stays so where SIGCHLD is ignored: what was written then decides */
    *network = NULL;
    if (importer == NULL)
        return EXIT_SYSTEM;
    /* posix_spawn takes the arguments as they are and does not write to them */
    char *const arguments[] = {(char *)python,
                               (char *)importer,
                               (char *)"--speaker",
                               (char *)"mbsopt",
                               (char *)"--",
                               (char *)path,
                               NULL};
    int failure = start(&child, &from, python, arguments);
    if (failure != 0) {
        complain("%s, which imports %s, cannot be started: %s", python, path, strerror(failure));
        return EXIT_SYSTEM;
    }
    bool whole = read_all(&all, from);
    close(from);
    while (waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    int status = EXIT_SYSTEM;
    if (!whole)
        complain("%s: what the importer writes cannot be read or is above 1 GiB", path);
    else
        status = importer_status(state, python, importer);
    mbs_error_clear(&error);
    if (status == EXIT_OK)
        status = report_error(mbs_network_load_text(network, all.text, all.length, path, &error),
                              &error);
    free(all.text);
    return status;
}
