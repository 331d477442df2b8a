#include "script.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "share.h"
#include "signals.h"

#define MOST_BYTES   ((size_t)1 << 30)
#define LONGEST_LINE 600 /* of a message */
#define MOST_LINES   100

/* How often it is asked whether a signal came, and whether the process has ended, in milliseconds.
 */
#define LOOK_AROUND_MS 100
#define LOOK_AGAIN_MS  5

/* So long a process that is to end may tidy up. */
#define GRACE_MS 1000

extern char **environ;

/* The script as a process. */
typedef struct process {
    FILE *messages;  /* its standard error */
    FILE *input;     /* its standard input, or null */
    int output;      /* its standard output */
    size_t capacity; /* of what that is read into */
    pid_t id;
} process;

/* ---- Words ----------------------------------------------------------------------------------- */

void script_add(script *of, const char *format, ...)
{
    va_list arguments;
    char **words = realloc(of->words, (of->count + 2) * sizeof *words);
    if (words == NULL) {
        of->failed = true;
        return;
    }
    of->words = words;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *word = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (word == NULL) {
        of->failed = true;
        words[of->count] = NULL;
        return;
    }
    va_start(arguments, format);
    vsnprintf(word, (size_t)length + 1, format, arguments);
    va_end(arguments);
    words[of->count++] = word;
    words[of->count] = NULL;
}

void script_begin(script *of, const char *path)
{
    *of = (script){0};
    script_add(of, "%s", share_python());
    script_add(of, "%s", path);
}

void script_free(script *of)
{
    for (size_t i = 0; i < of->count; i++)
        free(of->words[i]);
    free(of->words);
    free(of->text);
    *of = (script){0};
}

/* ---- Running --------------------------------------------------------------------------------- */

/* The files that it writes messages to and reads. Returns an errno. */
static int open_files(process *run, const script *of)
{
    run->messages = tmpfile();
    if (run->messages == NULL)
        return errno;
    if (of->given == NULL)
        return 0;
    run->input = tmpfile();
    if (run->input == NULL ||
        fwrite(of->given, 1, of->given_length, run->input) != of->given_length ||
        fflush(run->input) != 0 || lseek(fileno(run->input), 0, SEEK_SET) != 0)
        return errno;
    return 0;
}

/* Starts the script, its output into a pipe. Returns an errno. */
static int start(process *run, const script *of)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    int failure = open_files(run, of);
    if (failure != 0)
        return failure;
    if (pipe(ends) != 0)
        return errno;
    failure = posix_spawn_file_actions_init(&actions);
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, fileno(run->messages), STDERR_FILENO);
        if (failure == 0 && run->input != NULL)
            failure = posix_spawn_file_actions_adddup2(&actions, fileno(run->input), STDIN_FILENO);
        if (failure == 0)
            failure = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        for (int i = 0; i < 2 && failure == 0; i++)
            if (ends[i] != STDOUT_FILENO && ends[i] != STDERR_FILENO)
                failure = posix_spawn_file_actions_addclose(&actions, ends[i]);
        if (failure == 0)
            failure = posix_spawnp(&run->id, of->words[0], &actions, NULL, of->words, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (failure != 0)
        close(ends[0]);
    run->output = ends[0];
    return failure;
}

static bool make_room(process *run, script *of)
{
    if (of->length < run->capacity)
        return true;
    size_t larger = run->capacity == 0 ? 65536 : run->capacity * 2;
    char *moved = larger > MOST_BYTES ? NULL : realloc(of->text, larger);
    if (moved == NULL)
        return false;
    of->text = moved;
    run->capacity = larger;
    return true;
}

/* All that comes; false if it is too much, cannot be read, or a signal came. */
static bool read_all(process *run, script *of)
{
    struct pollfd waited_for = {.fd = run->output, .events = POLLIN};
    for (;;) {
        if (signals_noted() != 0 || !make_room(run, of))
            return false;
        if (poll(&waited_for, 1, LOOK_AROUND_MS) <= 0)
            continue;
        ssize_t got = read(run->output, of->text + of->length, run->capacity - of->length);
        if (got == 0)
            return true;
        if (got > 0)
            of->length += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
}

/* Hands on what the script said: errors if it failed, notes if it did not. */
static void pass_messages_on(FILE *messages, bool failed)
{
    static const char speaker[] = "mbsopt: ";
    char line[LONGEST_LINE];
    rewind(messages);
    for (int i = 0; i < MOST_LINES && fgets(line, sizeof line, messages) != NULL; i++) {
        const bool known = strncmp(line, speaker, sizeof speaker - 1) == 0;
        const char *message = known ? line + sizeof speaker - 1 : line;
        line[strcspn(line, "\n")] = '\0';
        if (failed)
            complain("%s", message);
        else
            note("%s", message);
    }
}

/* The script has said itself what is wrong; its status means what ours does. */
static int status_of(const script *of, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_SYSTEM)
        return WEXITSTATUS(status);
    if (WIFEXITED(status))
        complain("%s %s ended with status %d", of->words[0], of->words[1], WEXITSTATUS(status));
    else
        complain("%s %s was ended by signal %d", of->words[0], of->words[1], WTERMSIG(status));
    return EXIT_SYSTEM;
}

/* Waits until the script has ended, which `whole`, or a signal, says whether it may by itself. */
static int wait_for_end(const process *run, bool whole)
{
    int state = 0; /* stays so where SIGCHLD is ignored: what was written then decides */
    int waited_ms = 0;
    for (;;) {
        if ((!whole || signals_noted() != 0) && (waited_ms == 0 || waited_ms >= GRACE_MS))
            kill(run->id, waited_ms == 0 ? SIGTERM : SIGKILL);
        const pid_t ended = waitpid(run->id, &state, WNOHANG);
        if (ended > 0 || (ended < 0 && errno != EINTR))
            return state;
        poll(NULL, 0, LOOK_AGAIN_MS);
        waited_ms += !whole || signals_noted() != 0 ? LOOK_AGAIN_MS : 0;
    }
}

static int run_caught(process *run, script *of, const char *task, const char *object)
{
    signals_catch(); /* so that the script ends with this program */
    const int failure = start(run, of);
    if (failure != 0) {
        signals_restore();
        complain("%s, which %s %s, cannot be started: %s", of->words[0], task, object,
                 strerror(failure));
        return EXIT_SYSTEM;
    }
    const bool whole = read_all(run, of);
    close(run->output);
    const int state = wait_for_end(run, whole);
    signals_restore();
    if (signals_noted() != 0) {
        if (!signals_are_caught())
            signals_end();
        return EXIT_SYSTEM;
    }
    if (!whole) {
        complain("%s: what %s writes cannot be read or is above 1 GiB", object, of->words[1]);
        return EXIT_SYSTEM;
    }
    pass_messages_on(run->messages, !WIFEXITED(state) || WEXITSTATUS(state) != EXIT_OK);
    return status_of(of, state);
}

int script_run(script *of, const char *task, const char *object)
{
    process run = {0};
    if (of->failed) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    const int status = run_caught(&run, of, task, object);
    if (run.messages != NULL)
        fclose(run.messages);
    if (run.input != NULL)
        fclose(run.input);
    return status;
}
