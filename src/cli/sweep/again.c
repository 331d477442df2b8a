/* The command that goes on with an interrupted sweep, to be pasted into a shell. */
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "sweep/sweep.h"

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("%+,-./:=@_", c) != NULL);
}

static bool is_control(char c)
{
    return (c > '\0' && c < ' ') || c == 0x7F;
}

/* Words with control characters in $'…', which shells know that people use at a terminal. */
static void put_escaped(FILE *out, const char *word)
{
    fputs("$'", out);
    for (; *word != '\0'; word++) {
        if (is_control(*word))
            fprintf(out, "\\%03o", (unsigned)*word);
        else
            fprintf(out, "%s%c", *word == '\'' || *word == '\\' ? "\\" : "", *word);
    }
    fputc('\'', out);
}

static void put_quoted(FILE *out, const char *word)
{
    fputc('\'', out);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

static void put_word(FILE *out, const char *word)
{
    bool plain = *word != '\0';
    bool control = false;
    for (const char *c = word; *c != '\0'; c++) {
        plain = plain && is_plain(*c);
        control = control || is_control(*c);
    }
    if (control)
        put_escaped(out, word);
    else if (plain)
        fputs(word, out);
    else
        put_quoted(out, word);
}

static void put_option(FILE *out, const option_spec *option, const char *value)
{
    fprintf(out, " --%s%s", option->name, option->value != NULL ? "=" : "");
    if (option->value != NULL)
        put_word(out, value);
}

char *sweep_command(const arguments *given, const char *file)
{
    char *text = NULL;
    size_t length = 0;
    bool dashes = false;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    put_word(out, given->program);
    fprintf(out, " %s", given->command->name);
    for (size_t i = 0; i < given->value_count; i++) {
        const option_spec *option = &given->command->options[given->all_values[i].option];
        if (strcmp(option->name, "output") != 0 && strcmp(option->name, "resume") != 0)
            put_option(out, option, given->all_values[i].value);
    }
    fputs(" --resume=", out);
    put_word(out, file);
    for (size_t i = 0; i < given->operand_count; i++)
        dashes = dashes || (given->operands[i][0] == '-' && given->operands[i][1] != '\0');
    fputs(dashes ? " --" : "", out);
    for (size_t i = 0; i < given->operand_count; i++) {
        fputc(' ', out);
        put_word(out, given->operands[i]);
    }
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed)
        return text;
    free(text);
    return NULL;
}
