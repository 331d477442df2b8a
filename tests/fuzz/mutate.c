/*
 * Mutations. Bytes alone rarely get past a strict JSON scanner, so half of the changes go by
 * tokens: numbers become others, elements of lists are doubled, dropped or exchanged.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#define MAX_TOKENS 4096

#if defined(MBS_LIBFUZZER)
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
#endif

static const char *const replacements[] = {"0",
                                           "1",
                                           "-1",
                                           "2",
                                           "3",
                                           "4096",
                                           "65536",
                                           "1000000",
                                           "1000001",
                                           "1e300",
                                           "1e999",
                                           "0.5",
                                           "null",
                                           "true",
                                           "false",
                                           "[]",
                                           "{}",
                                           "\"\"",
                                           "\"x\"",
                                           "\"c\"",
                                           "[1, 2]",
                                           "\"add\"",
                                           "\"conv\"",
                                           "\"concat\"",
                                           "\"norm\"",
                                           "\"batch\"",
                                           "\"relu\"",
                                           "\"flatten\"",
                                           "\"fc\"",
                                           "\"mul\"",
                                           "\"forward\"",
                                           "\"backward\"",
                                           "\"loss\"",
                                           "\"max_pool\"",
                                           "\"softmax\"",
                                           "4294967296",
                                           "9007199254740991",
                                           "9007199254740992",
                                           "2147483647",
                                           "2147483648",
                                           "4503599627370496"};
#define REPLACEMENTS (sizeof replacements / sizeof replacements[0])

/* xorshift64*, so that a seed means the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)((next_random(state) >> 16) % bound);
}

static uint64_t start(uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (int i = 0; i < 4; i++)
        next_random(&state);
    return state;
}

/* Puts `length` bytes in place of data[at..at+old); returns the new size, or the old for want of
 * room. */
static size_t splice(uint8_t *data, size_t size, size_t room, size_t at, size_t old,
                     const uint8_t *with, size_t length)
{
    if (size - old + length > room)
        return size;
    memmove(data + at + length, data + at + old, size - at - old);
    if (length > 0)
        memcpy(data + at, with, length);
    return size - old + length;
}

typedef struct token {
    size_t begin;
    size_t end;
} token;

static size_t string_end(const uint8_t *data, size_t size, size_t at)
{
    for (at++; at < size && data[at] != '"'; at++)
        at += data[at] == '\\';
    return at < size ? at + 1 : size;
}

/* Strings, words and numbers: what stands between punctuation. */
static size_t find_scalars(const uint8_t *data, size_t size, token *tokens)
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < MAX_TOKENS;) {
        size_t begin = at;
        if (data[at] == '"')
            at = string_end(data, size, at);
        else
            while (at < size && data[at] > ' ' && strchr("{}[],:\"", data[at]) == NULL)
                at++;
        if (at == begin)
            at++;
        else
            tokens[count++] = (token){begin, at};
    }
    return count;
}

/* The value that begins at `at`: a scalar, or up to the bracket that closes it. */
static size_t value_end(const uint8_t *data, size_t size, size_t at)
{
    size_t depth = 0;
    while (at < size) {
        if (data[at] == '"') {
            at = string_end(data, size, at);
            continue;
        }
        if (data[at] == '{' || data[at] == '[')
            depth++;
        if (data[at] == '}' || data[at] == ']') {
            if (depth == 0)
                return at;
            depth--;
        }
        if (data[at] == ',' && depth == 0)
            return at;
        at++;
    }
    return size;
}

/* List elements and members: what follows an opening bracket or a comma. */
static size_t find_elements(const uint8_t *data, size_t size, token *tokens)
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < MAX_TOKENS;) {
        if (data[at] == '"') {
            at = string_end(data, size, at);
            continue;
        }
        if (data[at] == '[' || data[at] == '{' || data[at] == ',')
            tokens[count++] = (token){at + 1, 0};
        at++;
    }
    return count;
}

static size_t replace_scalar(uint8_t *data, size_t size, size_t room, uint64_t *random)
{
    static token tokens[MAX_TOKENS];
    static uint8_t copy[512];
    size_t count = find_scalars(data, size, tokens);
    if (count == 0)
        return size;
    token to = tokens[below(random, count)];
    token from = tokens[below(random, count)];
    size_t length = from.end - from.begin;
    if (below(random, 2) == 0 && length <= sizeof copy) {
        memcpy(copy, data + from.begin, length);
        return splice(data, size, room, to.begin, to.end - to.begin, copy, length);
    }
    const char *with = replacements[below(random, REPLACEMENTS)];
    return splice(data, size, room, to.begin, to.end - to.begin, (const uint8_t *)with,
                  strlen(with));
}

/* Adds 1 to a number, or takes 1 off: off by one is where limits are. */
static size_t nudge_number(uint8_t *data, size_t size, size_t room, uint64_t *random)
{
    static token tokens[MAX_TOKENS];
    size_t count = find_scalars(data, size, tokens);
    for (int attempt = 0; attempt < 20 && count > 0; attempt++) {
        token at = tokens[below(random, count)];
        size_t length = at.end - at.begin;
        char text[24];
        long long value;
        if (length >= 19)
            continue;
        memcpy(text, data + at.begin, length);
        text[length] = '\0';
        if (sscanf(text, "%lld", &value) != 1)
            continue;
        static const int steps[] = {1, -1, 2, 0};
        int step = steps[below(random, 4)];
        int made = snprintf(text, sizeof text, "%lld", step == 0 ? 2 * value : value + step);
        return splice(data, size, room, at.begin, length, (const uint8_t *)text, (size_t)made);
    }
    return size;
}

static size_t change_elements(uint8_t *data, size_t size, size_t room, uint64_t *random)
{
    static token tokens[MAX_TOKENS];
    static uint8_t copy[8192];
    size_t count = find_elements(data, size, tokens);
    if (count == 0)
        return size;
    size_t at = tokens[below(random, count)].begin;
    size_t end = value_end(data, size, at);
    if (below(random, 2) == 0) { /* drop it, with the comma */
        bool comma = end < size && data[end] == ',';
        return splice(data, size, room, at, end - at + comma, NULL, 0);
    }
    size_t length = end - at;
    if (length == 0 || length + 1 > sizeof copy)
        return size;
    memcpy(copy, data + at, length);
    copy[length] = ',';
    size_t to = below(random, 2) == 0 ? at : tokens[below(random, count)].begin;
    return splice(data, size, room, to, 0, copy, length + 1);
}

size_t mutate_tokens(uint8_t *data, size_t size, size_t room, uint64_t seed)
{
    uint64_t random = start(seed);
    size_t changes = 1 + below(&random, 4);
    for (size_t i = 0; i < changes; i++) {
        size_t kind = below(&random, 5);
        if (kind < 2)
            size = replace_scalar(data, size, room, &random);
        else if (kind < 3)
            size = nudge_number(data, size, room, &random);
        else
            size = change_elements(data, size, room, &random);
    }
    return size;
}

size_t mutate_bytes(uint8_t *data, size_t size, size_t room, uint64_t seed)
{
    uint64_t random = start(seed);
    size_t changes = 1 + below(&random, 4);
    for (size_t i = 0; i < changes; i++) {
        uint8_t byte = (uint8_t)next_random(&random);
        size_t at = size > 0 ? below(&random, size) : 0;
        size_t kind = below(&random, 4);
        if (kind == 0 && size > 0)
            data[at] = byte;
        else if (kind == 1 && size > 0)
            data[at] = (uint8_t)(data[at] ^ (1U << below(&random, 8)));
        else if (kind == 2 && size > 0)
            size = splice(data, size, room, at, 1 + below(&random, size - at), NULL, 0);
        else
            size = splice(data, size, room, at, 0, &byte, 1);
    }
    return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    if (seed % 2 == 0)
        return mutate_tokens(data, size, room, seed);
#if defined(MBS_LIBFUZZER)
    return LLVMFuzzerMutate(data, size, room);
#else
    return mutate_bytes(data, size, room, seed);
#endif
}
