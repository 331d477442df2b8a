#include "signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t noted;
static int depth; /* of signals_catch; the first thread's */
static struct sigaction before_int;
static struct sigaction before_term;

static void on_signal(int number)
{
    noted = number;
    /* whoever asks again does not want to wait */
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

static void catch_signal(int number, struct sigaction *before)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, NULL, before);
    if (before->sa_handler != SIG_IGN) /* as in a shell's background jobs */
        sigaction(number, &action, NULL);
}

void signals_catch(void)
{
    if (depth++ > 0)
        return;
    catch_signal(SIGINT, &before_int);
    catch_signal(SIGTERM, &before_term);
}

void signals_restore(void)
{
    if (--depth > 0)
        return;
    sigaction(SIGINT, &before_int, NULL);
    sigaction(SIGTERM, &before_term, NULL);
}

int signals_noted(void)
{
    return noted;
}

bool signals_are_caught(void)
{
    return depth > 0;
}

void signals_end(void)
{
    if (noted == 0)
        return;
    signal(noted, SIG_DFL);
    raise(noted);
}
