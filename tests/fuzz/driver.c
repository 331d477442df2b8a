/*
 * Runs a fuzz target where libFuzzer is not at hand:
 *   fuzz_TARGET [--rounds N] [--first K] FILE-OR-FOLDER…
 * first on every file, then N times on one of them with mutations. A round's input follows from the
 * files and the round's number alone. Where a round fails, its input is left in "fuzz-failure".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define ROOM      ((size_t)1 << 20)
#define MAX_SEEDS 4096

typedef struct seed_file {
    uint8_t *data;
    size_t size;
} seed_file;

static seed_file seeds[MAX_SEEDS];
static size_t seed_count;
static uint8_t input[ROOM];
static size_t input_size;
static long current_round = -1;

static void keep_input(int number)
{
    int file = open("fuzz-failure", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    char message[80];
    int length =
        snprintf(message, sizeof message, "round %ld failed, see fuzz-failure\n", current_round);
    if (file < 0 || write(file, input, input_size) < 0 ||
        write(STDERR_FILENO, message, (size_t)length) < 0)
        _exit(98);
    if (number != 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

/* The address sanitizer's; null in a build without it. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void on_death(void)
{
    keep_input(0);
}

static void watch_for_failures(void)
{
    if (__sanitizer_set_death_callback != NULL) {
        __sanitizer_set_death_callback(on_death);
        signal(SIGABRT, keep_input);
        return;
    }
    const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], keep_input);
}

static void run(const uint8_t *data, size_t size)
{
    /* a block of the exact size, so that reading on beyond it is seen */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    fuzz_require(exact != NULL, "there is memory");
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static void add_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(ROOM);
    fuzz_require(file != NULL && data != NULL, path);
    size_t size = fread(data, 1, ROOM, file);
    fclose(file);
    fuzz_require(seed_count < MAX_SEEDS, "there is room for the seeds");
    seeds[seed_count++] = (seed_file){data, size};
}

static void add(const char *path)
{
    struct stat status;
    struct dirent **entries;
    fuzz_require(stat(path, &status) == 0, path);
    if (!S_ISDIR(status.st_mode)) {
        add_file(path);
        return;
    }
    int count = scandir(path, &entries, NULL, alphasort);
    fuzz_require(count >= 0, path);
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            add_file(name);
        free(entries[i]);
    }
    free(entries);
}

/* Small seeds are taken more often: they run faster. */
static const seed_file *choose(long round)
{
    const seed_file *best = &seeds[(size_t)round % seed_count];
    const seed_file *other = &seeds[(size_t)round * 7919 % seed_count];
    return other->size < best->size ? other : best;
}

static void run_rounds(long first, long rounds)
{
    for (current_round = first; current_round < first + rounds; current_round++) {
        const seed_file *seed = choose(current_round);
        unsigned number = (unsigned)current_round;
        memcpy(input, seed->data, seed->size);
        input_size = LLVMFuzzerCustomMutator(input, seed->size, ROOM, number);
        if (number % 3 == 0)
            input_size = LLVMFuzzerCustomMutator(input, input_size, ROOM, number / 3);
        run(input, input_size);
    }
}

int main(int argc, char **argv)
{
    long rounds = 0;
    long first = 0;
    watch_for_failures();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--first") == 0 && i + 1 < argc)
            first = strtol(argv[++i], NULL, 10);
        else
            add(argv[i]);
    }
    if (seed_count == 0) {
        fprintf(stderr, "usage: %s [--rounds N] [--first K] FILE-OR-FOLDER…\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < seed_count; i++) {
        input_size = seeds[i].size;
        memcpy(input, seeds[i].data, input_size);
        run(input, input_size);
    }
    run_rounds(first, rounds);
    printf("%zu files and %ld rounds\n", seed_count, rounds);
    for (size_t i = 0; i < seed_count; i++)
        free(seeds[i].data);
    return 0;
}
