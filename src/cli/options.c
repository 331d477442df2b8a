#include "options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "output.h"
#include "table.h"

const option_spec common_options[] = {
    {"width", '\0', "N", "fit tables into N columns (default: the terminal's; 80)"},
    {"wide", '\0', NULL, "tables with all columns and whole names"},
    {"verbose", '\0', NULL, "note how long each stage takes"},
    {"json-errors", '\0', NULL, "messages as JSON, one object a line, for programs"},
    {"help", 'h', NULL, "print this"},
};
const size_t common_option_count = sizeof common_options / sizeof common_options[0];

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be added, removed or changed; both names within LONGEST_SUGGESTION. */
static size_t edits(const char *a, const char *b)
{
    size_t row[LONGEST_SUGGESTION + 1];
    const size_t width = strlen(b);
    for (size_t j = 0; j <= width; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[width];
}

const char *nearest_name(const char *given, const char *const *names)
{
    const size_t length = strlen(given);
    const char *nearest = NULL;
    size_t least = 3; /* more edits than two are no typing error */
    if (length > LONGEST_SUGGESTION)
        return NULL;
    for (; *names != NULL; names++) {
        assert(strlen(*names) <= LONGEST_SUGGESTION);
        size_t distance = edits(given, *names);
        if (distance < least && distance < strlen(*names)) {
            least = distance;
            nearest = *names;
        }
    }
    return nearest;
}

static int usage_hint(const command *of)
{
    complain("see: mbsopt help %s", of->name);
    return EXIT_USAGE;
}

/* `name` is the option without dashes, of `length` bytes, up to a "=" perhaps. */
static int unknown_option(const command *of, const char *word, const char *name, size_t length)
{
    const char *names[MAX_OPTIONS + sizeof common_options / sizeof common_options[0] + 1] = {NULL};
    char copy[LONGEST_SUGGESTION + 1] = "";
    size_t count = 0;
    for (; count < of->option_count; count++)
        names[count] = of->options[count].name;
    for (size_t i = 0; i < common_option_count; i++)
        names[count++] = common_options[i].name;
    if (length < sizeof copy && strncmp(word, "--", 2) == 0)
        memcpy(copy, name, length);
    const char *nearest = nearest_name(copy, names);
    if (nearest != NULL)
        complain("unknown option %.*s (did you mean --%s?)", (int)(name - word + (long)length),
                 word, nearest);
    else
        complain("unknown option %.*s", (int)(name - word + (long)length), word);
    return usage_hint(of);
}

/* What parsing has before it. */
typedef struct word_list {
    char *const *words;
    int count;
    int next;
} word_list;

static void set_value(arguments *result, size_t option, const char *value)
{
    result->values[option] = value;
    result->all_values[result->value_count++] = (given_value){option, value};
}

/* The option's value: what follows in the same word, or the next word; "" of a flag. */
static int find_value(const char **value, const command *of, const option_spec *spec,
                      const char *attached, word_list *list)
{
    *value = "";
    if (spec->value == NULL) {
        if (attached == NULL)
            return EXIT_OK;
        complain("option --%s takes no value", spec->name);
        return usage_hint(of);
    }
    if (attached == NULL && list->next < list->count &&
        strncmp(list->words[list->next], "--", 2) != 0)
        attached = list->words[list->next++];
    if (attached == NULL) {
        complain("option --%s needs a value: --%s %s", spec->name, spec->name, spec->value);
        return usage_hint(of);
    }
    *value = attached;
    return EXIT_OK;
}

static int take_value(arguments *result, size_t option, const char *attached, word_list *list)
{
    const char *value;
    const int status =
        find_value(&value, result->command, &result->command->options[option], attached, list);
    if (status == EXIT_OK)
        set_value(result, option, value);
    return status;
}

/* Whether `name`, of `length` bytes, is the option's, or what it was called before. */
static bool is_called(const char *known, const char *name, size_t length)
{
    static const char *const before[][2] = {{"planners", "planner"}}; /* of compare */
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if (strcmp(before[i][1], known) == 0 && strlen(before[i][0]) == length &&
            strncmp(before[i][0], name, length) == 0)
            return true;
    return strlen(known) == length && strncmp(known, name, length) == 0;
}

/* An option of every command. */
static int take_common(arguments *result, const option_spec *option, const char *attached,
                       word_list *list)
{
    const char *value;
    if (strcmp(option->name, "width") == 0) {
        const int status = find_value(&value, result->command, option, attached, list);
        return status == EXIT_OK ? width_choose(value) : status;
    }
    if (attached != NULL)
        return find_value(&value, result->command, option, attached, list);
    if (strcmp(option->name, "help") == 0)
        result->help = true;
    else if (strcmp(option->name, "wide") == 0)
        width_choose_all();
    else if (strcmp(option->name, "verbose") == 0)
        stages_begin();
    return EXIT_OK; /* --json-errors is seen before all else, in main */
}

static int take_long(arguments *result, const char *word, word_list *list)
{
    const command *of = result->command;
    const char *name = word + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const char *attached = equals != NULL ? equals + 1 : NULL;
    for (size_t i = 0; i < common_option_count; i++)
        if (is_called(common_options[i].name, name, length))
            return take_common(result, &common_options[i], attached, list);
    for (size_t i = 0; i < of->option_count; i++) {
        if (is_called(of->options[i].name, name, length))
            return take_value(result, i, attached, list);
    }
    return unknown_option(of, word, name, length);
}

static int take_short(arguments *result, const char *word, word_list *list)
{
    const command *of = result->command;
    if (strcmp(word, "-h") == 0) {
        result->help = true;
        return EXIT_OK;
    }
    for (size_t i = 0; i < of->option_count; i++) {
        if (of->options[i].letter == word[1])
            return take_value(result, i, word[2] != '\0' ? word + 2 : NULL, list);
    }
    return unknown_option(of, word, word + 1, strlen(word + 1));
}

static int take_operand(arguments *result, const char *word)
{
    const command *of = result->command;
    if ((result->operand != NULL && !of->operand_many) || of->operand == NULL) {
        complain("%s: unexpected argument %s", of->name, word);
        return usage_hint(of);
    }
    if (result->operand == NULL)
        result->operand = word;
    result->operands[result->operand_count++] = word;
    return EXIT_OK;
}

int options_parse(arguments *result, const command *of, int count, char *const *words)
{
    word_list list = {words, count, 0};
    bool options_ended = false;
    *result = (arguments){.command = of};
    assert(of->option_count <= MAX_OPTIONS);
    /* there are no more of either than words */
    result->operands = calloc((size_t)count + 1, sizeof *result->operands);
    result->all_values = calloc((size_t)count + 1, sizeof *result->all_values);
    if (result->operands == NULL || result->all_values == NULL) {
        complain("out of memory");
        return EXIT_SYSTEM;
    }
    while (list.next < list.count) {
        const char *word = list.words[list.next++];
        int status;
        if (!options_ended && strcmp(word, "--") == 0) {
            options_ended = true;
            continue;
        }
        if (options_ended || word[0] != '-' || word[1] == '\0')
            status = take_operand(result, word);
        else if (word[1] == '-')
            status = take_long(result, word, &list);
        else
            status = take_short(result, word, &list);
        if (status != EXIT_OK)
            return status;
    }
    if (of->operand_required && result->operand == NULL && !result->help) {
        complain("%s: %s is missing", of->name, of->operand);
        return usage_hint(of);
    }
    return EXIT_OK;
}

void options_free(arguments *given)
{
    free(given->operands);
    free(given->all_values);
}

const char *option_value(const arguments *given, const char *name)
{
    for (size_t i = 0; i < given->command->option_count; i++) {
        if (strcmp(given->command->options[i].name, name) == 0)
            return given->values[i];
    }
    return NULL;
}

const char *option_nth(const arguments *given, const char *name, size_t position)
{
    for (size_t i = 0; i < given->value_count; i++) {
        const given_value *value = &given->all_values[i];
        if (strcmp(given->command->options[value->option].name, name) == 0 && position-- == 0)
            return value->value;
    }
    return NULL;
}

bool option_flag(const arguments *given, const char *name)
{
    return option_value(given, name) != NULL;
}

typedef struct choice_words {
    char text[128];
} choice_words;

/* "table, json or csv" */
static choice_words choice_list(const char *const *choices)
{
    choice_words list = {""};
    for (size_t i = 0; choices[i] != NULL; i++) {
        const size_t room = sizeof list.text - 1;
        if (i > 0)
            strncat(list.text, choices[i + 1] != NULL ? ", " : " or ", room - strlen(list.text));
        strncat(list.text, choices[i], room - strlen(list.text));
    }
    return list;
}

bool option_choice(const arguments *given, const char *name, const char *const *choices,
                   size_t *choice)
{
    const char *value = option_value(given, name);
    *choice = 0;
    if (value == NULL)
        return true;
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(value, choices[i]) == 0) {
            *choice = i;
            return true;
        }
    }
    complain("--%s %s: expected %s", name, value, choice_list(choices).text);
    usage_hint(given->command);
    return false;
}

/* The format that a file's ending stands for, or null. */
static const char *format_of_ending(const char *path)
{
    static const struct {
        const char *ending;
        const char *format;
    } endings[] = {{".json", "json"}, {".jsonl", "jsonl"}, {".ndjson", "jsonl"}, {".csv", "csv"}};
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    for (size_t i = 0; i < sizeof endings / sizeof endings[0] && dot != NULL; i++)
        if (strcasecmp(dot, endings[i].ending) == 0)
            return endings[i].format;
    return dot != NULL && strcasecmp(dot, ".txt") == 0 ? "table" : NULL;
}

bool option_format(const arguments *given, const char *output, const char *const *choices,
                   size_t *choice)
{
    const char *format = output != NULL ? format_of_ending(output) : NULL;
    if (option_value(given, "format") != NULL || format == NULL)
        return option_choice(given, "format", choices, choice);
    *choice = 0;
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(format, choices[i]) == 0) {
            *choice = i;
            return true;
        }
    }
    if (strcmp(format, "table") == 0)
        return true; /* any text may be called so */
    if (choices[1] == NULL)
        complain("%s: %s writes no %s, but a %s", output, given->command->name, format, choices[0]);
    else
        complain("%s: %s writes no %s; expected --format %s with it", output, given->command->name,
                 format, choice_list(choices).text);
    usage_hint(given->command);
    return false;
}
