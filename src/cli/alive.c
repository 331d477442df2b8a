#include "alive.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SHOWN_AFTER_S 1.5
#define TICK_S        0.5
#define DETAIL_S      0.1

static bool allowed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static pthread_t ticker;
static bool running;
static const char *stage;
static char detail[160]; /* "": none */
static double begun_s;   /* when the first stage began, */
static double stage_s;   /* and the present one */
static double drawn_s;   /* when the line was last drawn */
static int width;        /* of the line that stands there */

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* As much of the line as the terminal has room for: it is drawn over itself, which two could not
 * be. */
static int room_for(int length)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return length;
    return length < size.ws_col ? length : size.ws_col - 1;
}

static void wipe(void)
{
    if (width > 0)
        fprintf(stderr, "\r%*s\r", room_for(width), "");
    width = 0;
}

static void draw(void)
{
    char line[200];
    const double now = now_s();
    int length = detail[0] != '\0'
                     ? snprintf(line, sizeof line, "%.1f s  %s", now - stage_s, detail)
                     : snprintf(line, sizeof line, "%s, %.0f s", stage, now - stage_s);
    length = room_for(length);
    fprintf(stderr, "\r%-*.*s", room_for(width), length, line);
    width = length;
    drawn_s = now;
}

static void *tick(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    while (running) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += (long)(TICK_S * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&ended, &lock, &until);
        const double now = now_s();
        if (running && now - begun_s >= SHOWN_AFTER_S && now - drawn_s >= TICK_S / 2)
            draw();
    }
    wipe();
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* The ticker heeds no signals: they are the first thread's. */
static void start(void)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    running = true;
    running = pthread_create(&ticker, NULL, tick, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void alive_allow(void)
{
    allowed = isatty(STDERR_FILENO) == 1;
}

void alive_stage(const char *name)
{
    if (!allowed)
        return;
    pthread_mutex_lock(&lock);
    stage = name;
    stage_s = now_s();
    drawn_s = 0;
    detail[0] = '\0';
    if (!running) {
        begun_s = stage_s;
        start();
    }
    pthread_mutex_unlock(&lock);
}

void alive_detail(const char *text)
{
    pthread_mutex_lock(&lock);
    if (running) {
        snprintf(detail, sizeof detail, "%s", text);
        if (now_s() - drawn_s >= DETAIL_S)
            draw();
    }
    pthread_mutex_unlock(&lock);
}

void alive_end(void)
{
    pthread_mutex_lock(&lock);
    const bool was_running = running;
    running = false;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    if (was_running)
        pthread_join(ticker, NULL);
}

void alive_pause(void)
{
    pthread_mutex_lock(&lock);
    wipe();
}

void alive_resume(void)
{
    pthread_mutex_unlock(&lock);
}
