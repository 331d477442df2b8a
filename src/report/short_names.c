#include "report/short_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"

#define MOST_PLACES 24 /* of the ellipsis that are tried */

/* Hashes of forms. Two that are equal count as the same form: at worst a name moves on needlessly.
 */
typedef struct form_set {
    uint64_t *hashes; /* 0: free; the lowest bit says whether it came more than once */
    size_t size;      /* a power of two */
} form_set;

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

static size_t *find_slot(const short_names *list, const char *name)
{
    size_t at = (size_t)hash_bytes(HASH_START, name, strlen(name)) & (list->slot_count - 1);
    while (list->slots[at] != 0 && strcmp(list->all[list->slots[at] - 1].name, name) != 0)
        at = (at + 1) & (list->slot_count - 1);
    return &list->slots[at];
}

/* Room for one more, with at most half of the slots taken. */
static bool grow(short_names *list)
{
    if (list->count < list->capacity)
        return true;
    const size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
    short_name *all = mem_realloc(list->all, capacity * sizeof *all);
    if (all == NULL)
        return false;
    list->all = all;
    size_t *slots = mem_calloc(2 * capacity, sizeof *slots);
    if (slots == NULL)
        return false;
    mem_free(list->slots);
    list->slots = slots;
    list->slot_count = 2 * capacity;
    list->capacity = capacity;
    for (size_t i = 0; i < list->count; i++)
        *find_slot(list, list->all[i].name) = i + 1;
    return true;
}

bool short_names_add(short_names *list, const char *name)
{
    if (!grow(list))
        return false;
    size_t *slot = find_slot(list, name);
    if (*slot != 0)
        return true;
    list->all[list->count++] = (short_name){.name = name};
    *slot = list->count;
    return true;
}

/* As the set holds the hash: not 0, and even while it came once. */
static uint64_t form_key(uint64_t hash)
{
    return (hash | 2) & ~UINT64_C(1);
}

/* Where the hash is in the set, or is to be. */
static uint64_t *find_form(const form_set *set, uint64_t hash)
{
    size_t at = (size_t)(hash >> 2) & (set->size - 1);
    while (set->hashes[at] != 0 && (set->hashes[at] & ~UINT64_C(1)) != form_key(hash))
        at = (at + 1) & (set->size - 1);
    return &set->hashes[at];
}

/* Puts the hash into the set if it is not there; says whether it was. */
static bool put_form(const form_set *set, uint64_t hash)
{
    uint64_t *form = find_form(set, hash);
    const bool there = *form != 0;
    *form = there ? form_key(hash) | 1 : form_key(hash);
    return there;
}

/* Whether the hash came more than once. */
static bool is_shared(const form_set *set, uint64_t hash)
{
    return (*find_form(set, hash) & 1) != 0;
}

/* Where the last `width` columns of the name begin, or the first character behind them. */
static const char *tail_of(const char *name, size_t width)
{
    size_t left = utf8_width(name);
    while (left > width) {
        left -= utf8_columns((const unsigned char *)name);
        name += utf8_length((const unsigned char *)name);
    }
    return name;
}

/* The bytes that take up at most `width` columns from the name's start. */
static size_t head_bytes(const char *name, size_t width)
{
    const char *at = name;
    for (size_t used = 0; *at != '\0';) {
        used += utf8_columns((const unsigned char *)at);
        if (used > width)
            break;
        at += utf8_length((const unsigned char *)at);
    }
    return (size_t)(at - name);
}

/* The lowest bits are not compared. */
static uint64_t mixed(uint64_t hash)
{
    return hash ^ hash >> 29;
}

static uint64_t hash_form(const short_name *of)
{
    const char *tail = tail_of(of->name, of->tail);
    uint64_t hash = hash_bytes(HASH_START, of->name, head_bytes(of->name, of->head));
    hash = hash_bytes(hash, "…", strlen("…"));
    hash = hash_bytes(hash, tail, strlen(tail));
    if (of->number > 0) {
        char number[24];
        const int length = snprintf(number, sizeof number, "~%" PRId64, of->number);
        hash = hash_bytes(hash, number, (size_t)length);
    }
    return mixed(hash);
}

/* The ellipsis in the middle, then ever further from it on both sides. */
static size_t head_at(size_t place, size_t width)
{
    const size_t middle = (width - 1) / 2;
    const size_t distance = (place + 1) / 2;
    if (place % 2 == 1)
        return middle + distance < width ? middle + distance : width - 1;
    return middle >= distance ? middle - distance : 0;
}

/* Tries one place for all that are not settled: what is nobody else's form is theirs. */
static size_t settle_at(short_names *list, const form_set *taken, const form_set *now, size_t place)
{
    size_t left = 0;
    memset(now->hashes, 0, now->size * sizeof *now->hashes);
    for (size_t i = 0; i < list->count; i++) {
        short_name *of = &list->all[i];
        if (of->settled)
            continue;
        of->head = head_at(place, list->width);
        of->tail = list->width - 1 - of->head;
        put_form(now, hash_form(of));
    }
    for (size_t i = 0; i < list->count; i++) {
        short_name *of = &list->all[i];
        if (of->settled)
            continue;
        const uint64_t hash = hash_form(of);
        of->settled = !is_shared(now, hash) && !put_form(taken, hash);
        left += !of->settled;
    }
    return left;
}

static void number_rest(short_names *list, const form_set *taken)
{
    int64_t number = 0;
    for (size_t i = 0; i < list->count; i++) {
        short_name *of = &list->all[i];
        if (of->settled)
            continue;
        do {
            of->number = ++number;
            const size_t digits = (size_t)snprintf(NULL, 0, "~%" PRId64, number);
            const size_t room = list->width > digits + 1 ? list->width - digits - 1 : 0;
            of->head = room / 2;
            of->tail = room - of->head;
        } while (put_form(taken, hash_form(of)));
        of->settled = true;
    }
}

bool short_names_settle(short_names *list, size_t width)
{
    form_set taken = {.size = 1};
    while (taken.size < 4 * list->count)
        taken.size *= 2;
    form_set now = taken;
    list->width = width;
    taken.hashes = mem_calloc(taken.size, sizeof *taken.hashes);
    now.hashes = mem_calloc(now.size, sizeof *now.hashes);
    const bool good = taken.hashes != NULL && now.hashes != NULL;
    if (good && list->count > 0) {
        size_t left = 0;
        for (size_t i = 0; i < list->count; i++) {
            short_name *of = &list->all[i];
            of->settled = utf8_width(of->name) <= width;
            left += !of->settled;
            if (of->settled)
                put_form(&taken, mixed(hash_bytes(HASH_START, of->name, strlen(of->name))));
        }
        for (size_t place = 0; place < MOST_PLACES && place <= 2 * width && left > 0; place++)
            left = settle_at(list, &taken, &now, place);
        number_rest(list, &taken);
    }
    mem_free(taken.hashes);
    mem_free(now.hashes);
    return good;
}

size_t short_names_put(text *out, const short_names *list, const char *name)
{
    const short_name *of = &list->all[*find_slot(list, name) - 1];
    const size_t length = out->length;
    if (of->number == 0 && utf8_width(name) <= list->width) {
        text_string(out, name);
        return utf8_width(name);
    }
    text_bytes(out, name, head_bytes(name, of->head));
    text_string(out, "…");
    text_string(out, tail_of(name, of->tail));
    if (of->number > 0)
        text_format(out, "~%" PRId64, of->number);
    return out->failed ? 0 : utf8_width(out->data + length);
}

void short_names_free(short_names *list)
{
    mem_free(list->all);
    mem_free(list->slots);
    *list = (short_names){0};
}
