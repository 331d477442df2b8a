#include "signals.h"

#include <signal.h>
#include <stddef.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
#define CAUGHT (sizeof caught / sizeof caught[0])

static volatile sig_atomic_t noted;
static volatile sig_atomic_t count;
static int depth; /* of signals_catch; the first thread's */
static struct sigaction before[CAUGHT];

static void on_signal(int number)
{
    noted = number;
    count++;
    /* whoever asks again does not want to wait */
    for (size_t i = 0; i < CAUGHT; i++)
        signal(caught[i], SIG_DFL);
}

static void catch_signal(int number, struct sigaction *as_before)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, NULL, as_before);
    if (as_before->sa_handler != SIG_IGN) /* as in a shell's background jobs */
        sigaction(number, &action, NULL);
}

void signals_catch(void)
{
    if (depth++ > 0)
        return;
    for (size_t i = 0; i < CAUGHT; i++)
        catch_signal(caught[i], &before[i]);
}

void signals_restore(void)
{
    if (--depth > 0)
        return;
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &before[i], NULL);
}

int signals_noted(void)
{
    return noted;
}

int signals_count(void)
{
    return count;
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
