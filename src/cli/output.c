#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alive.h"
#include "command.h"
#include "signals.h"

int exit_status(mbs_status status)
{
    switch (status) {
    case MBS_OK:
        return EXIT_OK;
    case MBS_ERR_INPUT:
        return EXIT_BAD_INPUT;
    case MBS_ERR_NO_PLAN:
        return EXIT_NO_PLAN;
    case MBS_ERR_VERIFY:
        return EXIT_VERIFICATION;
    case MBS_ERR_ARGUMENT:
    case MBS_ERR_IO:
    case MBS_ERR_MEMORY:
    case MBS_ERR_SOLVER:
    case MBS_ERR_STOPPED:
        break;
    }
    return EXIT_SYSTEM;
}

int report_error(mbs_status status, const mbs_error *error)
{
    size_t shown = error->count < MBS_ERROR_MESSAGES ? error->count : MBS_ERROR_MESSAGES;
    if (status == MBS_OK)
        return EXIT_OK;
    if (status == MBS_ERR_STOPPED && signals_noted() != 0) {
        note("interrupted before there was a plan");
        signals_end();
    }
    for (size_t i = 0; i < shown; i++)
        complain_of(mbs_status_text(status), error->message[i]);
    if (error->count > shown)
        complain("… and %zu more", error->count - shown);
    if (shown == 0)
        complain_of(mbs_status_text(status), mbs_status_text(status));
    return exit_status(status);
}

int finish_output(void)
{
    alive_end();
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno != 0)
        complain("cannot write standard output: %s", strerror(errno));
    else
        complain("cannot write standard output");
    return EXIT_SYSTEM;
}

/* A signal that would end the program waits until the file is whole, or its temporary one is gone.
 */
static mbs_status write_undisturbed(const char *path, const char *output, mbs_error *error)
{
    sigset_t ending;
    sigset_t before;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGHUP);
    sigprocmask(SIG_BLOCK, &ending, &before);
    mbs_status status = mbs_write_file(path, output, strlen(output), error);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

int print_text(const char *text)
{
    const size_t length = strlen(text);
    if (fwrite(text, 1, length, stdout) != length) {
        complain("cannot write standard output: %s", strerror(errno));
        return EXIT_SYSTEM;
    }
    return finish_output();
}

int write_output(const char *path, const char *output)
{
    mbs_error error;
    stage_done("report");
    alive_end();
    if (path != NULL && strcmp(path, "-") != 0) {
        mbs_error_clear(&error);
        mbs_status status = write_undisturbed(path, output, &error);
        stage_done("write");
        return report_error(status, &error);
    }
    return print_text(output);
}

bool terminal_takes_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
