#include "lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

/* The list that is being read. */
typedef struct reader {
    number_list *list;
    const char *option;
    const char *item; /* what is being read of it, for messages */
    bool sizes;       /* or whole numbers */
    int64_t minimum;
    int64_t maximum;
} reader;

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* ---- Items ----------------------------------------------------------------------------------- */

size_t count_items(const char *text)
{
    size_t count = 1;
    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

char *next_item(const char **text)
{
    size_t length = strcspn(*text, ",");
    char *item = strndup(*text, length);
    *text += length + ((*text)[length] == ',');
    return item;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static int bad_item(const reader *r, const char *why)
{
    complain("--%s %s: %s", r->option, r->item, why);
    return EXIT_BAD_INPUT;
}

static int read_number(const reader *r, const char *text, int64_t *value)
{
    char what[64];
    mbs_error error;
    mbs_error_clear(&error);
    snprintf(what, sizeof what, "--%s", r->option);
    if (!r->sizes)
        return report_error(mbs_parse_integer(value, text, r->minimum, r->maximum, what, &error),
                            &error);
    if (mbs_parse_size(value, text, &error) != MBS_OK) {
        complain("--%s %s: %s", r->option, r->item, error.message[0]);
        return EXIT_BAD_INPUT;
    }
    if (*value >= r->minimum && *value <= r->maximum)
        return EXIT_OK;
    complain("--%s %s: expected at least %" PRId64 " bytes", r->option, r->item, r->minimum);
    return EXIT_BAD_INPUT;
}

static int add_number(const reader *r, int64_t value)
{
    number_list *list = r->list;
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == value) {
            complain("--%s %s: %" PRId64 " is listed twice", r->option, r->item, value);
            return EXIT_BAD_INPUT;
        }
    if (list->count == MOST_LISTED) {
        complain("--%s %s: more than %d values", r->option, r->item, MOST_LISTED);
        return EXIT_BAD_INPUT;
    }
    list->values[list->count++] = value;
    return EXIT_OK;
}

/* "x2" or "+1MiB" behind a range. */
static int read_progression(const reader *r, const char *text, int64_t *factor, int64_t *step)
{
    static const char form[] = "expected a range as FIRST..LAST:x2 or FIRST..LAST:+STEP";
    mbs_error error;
    mbs_error_clear(&error);
    *factor = 1;
    *step = 0;
    if (text[0] == 'x') {
        if (mbs_parse_integer(factor, text + 1, 2, INT64_C(1) << 40, "factor", &error) == MBS_OK)
            return EXIT_OK;
        return bad_item(r, "expected a range to grow by a whole factor of at least 2, such as x2");
    }
    if (text[0] != '+')
        return bad_item(r, form);
    const mbs_status status = r->sizes
                                  ? mbs_parse_size(step, text + 1, &error)
                                  : mbs_parse_integer(step, text + 1, 1, INT64_MAX, "step", &error);
    if (status != MBS_OK || *step < 1)
        return bad_item(r, "expected a range to grow by a step of at least 1");
    return EXIT_OK;
}

/* `dots` and `colon` point into `item`, a copy that may be cut up. */
static int add_range(const reader *r, char *item, char *dots, char *colon)
{
    int64_t first = 0;
    int64_t last = 0;
    int64_t factor = 1;
    int64_t step = 1;
    *dots = *colon = '\0';
    int status = read_number(r, item, &first);
    if (status == EXIT_OK)
        status = read_number(r, dots + 2, &last);
    if (status == EXIT_OK)
        status = read_progression(r, colon + 1, &factor, &step);
    if (status == EXIT_OK && last < first)
        return bad_item(r, "the range ends before it begins");
    for (int64_t value = first; status == EXIT_OK;) {
        status = add_number(r, value);
        if (value > (last - step) / factor)
            break;
        value = value * factor + step;
    }
    return status;
}

static int add_item(reader *r, char *item)
{
    char *copy = strdup(item);
    if (copy == NULL)
        return out_of_memory();
    r->item = item;
    char *dots = strstr(copy, "..");
    char *colon = dots != NULL ? strchr(dots, ':') : NULL;
    int64_t value;
    int status;
    if (item[0] == '\0') {
        status = bad_item(r, "a value is missing");
    } else if (dots == NULL) {
        status = read_number(r, copy, &value);
        status = status == EXIT_OK ? add_number(r, value) : status;
    } else if (colon == NULL) {
        status = bad_item(r, "expected a range as FIRST..LAST:x2 or FIRST..LAST:+STEP");
    } else {
        status = add_range(r, copy, dots, colon);
    }
    free(copy);
    return status;
}

static int read_numbers(reader *r, const char *text)
{
    int status = EXIT_OK;
    *r->list = (number_list){calloc(MOST_LISTED, sizeof *r->list->values), 0};
    if (r->list->values == NULL)
        return out_of_memory();
    for (size_t left = count_items(text); left > 0 && status == EXIT_OK; left--) {
        char *item = next_item(&text);
        status = item == NULL ? out_of_memory() : add_item(r, item);
        free(item);
    }
    return status;
}

/* The length of a number, with its fraction but without its unit, at the beginning of `text`. */
static size_t number_length(const char *text)
{
    static const char digits[] = "0123456789";
    const size_t whole = strspn(text, digits);
    const size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
    return whole > 0 && fraction > 0 ? whole + 1 + fraction : whole;
}

static size_t unit_length(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* Finds the last unit in a list of sizes; false if there is none, or none that is known. */
static bool find_unit(char unit[8], const char *text)
{
    char one[10];
    int64_t bytes;
    unit[0] = '\0';
    for (const char *at = text; *at != '\0';) {
        const size_t number = number_length(at);
        const size_t letters = number > 0 ? unit_length(at + number) : 0;
        if (letters > 0 && letters < 8)
            snprintf(unit, 8, "%.*s", (int)letters, at + number);
        at += number > 0 ? number + letters : 1;
    }
    snprintf(one, sizeof one, "1%s", unit);
    return unit[0] != '\0' && mbs_parse_size(&bytes, one, NULL) == MBS_OK;
}

/* "4,8,16MiB" was meant as 4MiB,8MiB,16MiB: what has no unit gets the one that others have. */
static void suggest_units(const char *option, const char *text)
{
    char unit[8];
    char meant[200] = "";
    size_t length = 0;
    bool changed = false;
    if (!find_unit(unit, text))
        return;
    for (const char *at = text; *at != '\0' && length < sizeof meant - 8;) {
        const size_t number = number_length(at);
        const size_t whole = number > 0 ? number + unit_length(at + number) : 1;
        const bool bare = number > 0 && whole == number && (at == text || at[-1] != 'x');
        length += (size_t)snprintf(meant + length, sizeof meant - length, "%.*s%s", (int)whole, at,
                                   bare ? unit : "");
        changed = changed || bare;
        at += whole;
    }
    if (changed && length < sizeof meant - 8)
        complain("did you mean --%s %s?", option, meant);
}

int read_sizes(number_list *list, const char *option, const char *text, int64_t minimum)
{
    reader r = {
        .list = list, .option = option, .sizes = true, .minimum = minimum, .maximum = INT64_MAX};
    int status = read_numbers(&r, text);
    if (status == EXIT_BAD_INPUT)
        suggest_units(option, text);
    return status;
}

int read_integers(number_list *list, const char *option, const char *text, int64_t minimum,
                  int64_t maximum)
{
    reader r = {.list = list, .option = option, .minimum = minimum, .maximum = maximum};
    return read_numbers(&r, text);
}

void number_list_free(number_list *list)
{
    free(list->values);
    *list = (number_list){NULL, 0};
}

/* ---- Planners -------------------------------------------------------------------------------- */

bool planner_is_listed(const planner_list *list, mbs_planner planner)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->values[i] == planner)
            return true;
    return false;
}

bool planner_keeps_batch_norms(mbs_planner planner)
{
    return planner == MBS_PLANNER_BASELINE || planner == MBS_PLANNER_ARCHOPT;
}

bool planners_replace_batch_norms(const planner_list *list, const char **exception)
{
    bool any = false;
    *exception = "";
    for (size_t i = 0; i < list->count; i++) {
        if (planner_keeps_batch_norms(list->values[i]))
            *exception = " but by baseline and archopt";
        else
            any = true;
    }
    return any;
}

static int unknown_planner(const char *option, const char *name, const mbs_error *error)
{
    const char *names[MBS_PLANNER_COUNT + 1] = {NULL};
    for (int i = 0; i < MBS_PLANNER_COUNT; i++)
        names[i] = mbs_planner_name((mbs_planner)i);
    report_error(MBS_ERR_INPUT, error);
    const char *nearest = nearest_name(name, names);
    if (nearest != NULL)
        complain("did you mean --%s %s?", option, nearest);
    return EXIT_USAGE;
}

static int add_planner(planner_list *list, const char *option, const char *name)
{
    mbs_planner planner;
    mbs_error error;
    mbs_error_clear(&error);
    if (mbs_planner_from_name(&planner, name, &error) != MBS_OK)
        return unknown_planner(option, name, &error);
    if (planner_is_listed(list, planner)) {
        complain("--%s: %s is listed twice", option, name);
        return EXIT_USAGE;
    }
    list->values[list->count++] = planner;
    return EXIT_OK;
}

int read_planners(planner_list *list, const char *option, const char *text)
{
    int status = EXIT_OK;
    list->count = 0;
    for (size_t left = count_items(text); left > 0 && status == EXIT_OK; left--) {
        char *name = next_item(&text);
        status = name == NULL ? out_of_memory() : add_planner(list, option, name);
        free(name);
    }
    return status;
}
