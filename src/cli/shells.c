/* Completion for bash, zsh and fish. */
#include "shells.h"

#include <stdio.h>
#include <string.h>

#include "options.h"
#include "output.h"

/* Whether the option's value is one of a list of words: "table|json|csv". */
static bool has_choices(const option_spec *option)
{
    return option->value != NULL && strchr(option->value, '|') != NULL &&
           strpbrk(option->value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ./") == NULL;
}

static bool takes_planner(const option_spec *option)
{
    return strcmp(option->name, "planner") == 0 || strcmp(option->name, "planners") == 0;
}

static bool takes_file(const option_spec *option)
{
    return option->value != NULL && strncmp(option->value, "FILE", 4) == 0;
}

static bool takes_machine(const option_spec *option)
{
    return strcmp(option->name, "hardware") == 0;
}

/* The words that the option's value may be, each after `before`. */
static void put_choices(const option_spec *option, const char *before)
{
    if (takes_planner(option)) {
        for (int i = 0; i < MBS_PLANNER_COUNT; i++)
            printf("%s%s", i > 0 ? before : "", mbs_planner_name((mbs_planner)i));
        return;
    }
    for (const char *at = option->value; *at != '\0'; at++) {
        if (*at == '|')
            fputs(before, stdout);
        else
            fputc(*at, stdout);
    }
}

/* Calls `put` for each option of the command, then for those of every command. */
static void each_option(const command *of, void (*put)(const command *, const option_spec *))
{
    for (size_t i = 0; i < of->option_count; i++)
        put(of, &of->options[i]);
    for (size_t i = 0; i < common_option_count; i++)
        put(of, &common_options[i]);
}

/* ---- bash ------------------------------------------------------------------------------------ */

static void put_bash_name(const command *of, const option_spec *option)
{
    (void)of;
    printf(" --%s", option->name);
}

static void put_bash_values(const command *of, const option_spec *option)
{
    if (option->value == NULL)
        return;
    printf("        %s:--%s", of->name, option->name);
    if (option->letter != '\0')
        printf("|%s:-%c", of->name, option->letter);
    printf(")");
    if (takes_planner(option) || has_choices(option)) {
        printf(" words='");
        put_choices(option, " ");
        printf("' ;;\n");
    } else if (takes_machine(option)) {
        printf(" files=1 words=$(mbsopt list --names hardware 2>/dev/null) ;;\n");
    } else {
        printf(" %s ;;\n", takes_file(option) ? "files=1" : "return");
    }
}

int print_bash_completion(const command *const *commands)
{
    printf("# mbsopt's completion for bash; made by: mbsopt help --format bash\n_mbsopt() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=${COMP_WORDS[1]} words='' files=''\n    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n        words='");
    for (size_t i = 0; commands[i] != NULL; i++)
        printf("%s ", commands[i]->name);
    printf("--version --help'\n    elif [ \"$before\" != \"$command\" ]; then\n"
           "        case $command:$before in\n");
    for (size_t i = 0; commands[i] != NULL; i++)
        each_option(commands[i], put_bash_values);
    printf("        esac\n    fi\n"
           "    if [ -z \"$words$files\" ]; then\n        case $command:$word in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("        %s:-*) words='", commands[i]->name);
        each_option(commands[i], put_bash_name);
        printf("' ;;\n");
    }
    printf("        help:*) words='");
    for (size_t i = 0; commands[i] != NULL; i++)
        printf("%s ", commands[i]->name);
    printf("' ;;\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->takes_networks)
            printf("        %s:*) files=1 words=$(mbsopt list --names networks 2>/dev/null) ;;\n",
                   commands[i]->name);
        else if (commands[i]->operand_words != NULL)
            printf("        %s:*) words='%s' ;;\n", commands[i]->name, commands[i]->operand_words);
    }
    printf("        *) files=1 ;;\n        esac\n    fi\n"
           "    if [ -n \"$files\" ]; then\n"
           "        mapfile -t COMPREPLY < <(compgen -f -W \"$words\" -- \"$word\")\n"
           "        compopt -o filenames 2>/dev/null\n    else\n"
           "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n    fi\n}\n"
           "complete -F _mbsopt mbsopt\n");
    return finish_output();
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* In single quotes, and without what _arguments would take for its own. */
static void put_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text) != NULL)
            printf("\\%c", *text);
        else
            fputc(*text, stdout);
    }
}

static void put_zsh_option(const command *of, const option_spec *option)
{
    (void)of;
    printf(" \\\n        '--%s[", option->name);
    put_zsh_text(option->help);
    printf("]");
    if (takes_planner(option) || has_choices(option)) {
        printf(":value:(");
        put_choices(option, " ");
        printf(")");
    } else if (takes_machine(option)) {
        printf(":file:{_mbsopt_shipped hardware}");
    } else if (option->value != NULL) {
        printf(takes_file(option) ? ":file:_files" : ":value:");
    }
    printf("'");
}

static void put_zsh_operand(const command *of)
{
    printf(" \\\n        '*:argument:");
    if (of->takes_networks)
        printf("{_mbsopt_shipped networks}");
    else if (of->operand_words != NULL)
        printf("(%s)", of->operand_words);
    else
        printf("_files");
    printf("' ;;\n");
}

int print_zsh_completion(const command *const *commands)
{
    printf("#compdef mbsopt\n# made by: mbsopt help --format zsh\n"
           "_mbsopt_shipped() {\n"
           "    local -a names=(${(f)\"$(mbsopt list --names $1 2>/dev/null)\"})\n"
           "    _alternative \"shipped:shipped:($names)\" 'files:file:_files'\n}\n"
           "if (( CURRENT == 2 )); then\n    local -a commands=(\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("        '%s:", commands[i]->name);
        put_zsh_text(commands[i]->summary);
        printf("'\n");
    }
    printf("    )\n    _describe command commands\n    return\nfi\n"
           "local command=$words[2]\nshift words\n(( CURRENT-- ))\ncase $command in\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("    %s) _arguments", commands[i]->name);
        each_option(commands[i], put_zsh_option);
        put_zsh_operand(commands[i]);
    }
    printf("esac\n");
    return finish_output();
}

/* ---- fish ------------------------------------------------------------------------------------ */

static void put_fish_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            fputc('\\', stdout);
        fputc(*text, stdout);
    }
}

static void put_fish_option(const command *of, const option_spec *option)
{
    printf("complete -c mbsopt -n '__fish_seen_subcommand_from %s' -l %s", of->name, option->name);
    if (option->letter != '\0')
        printf(" -s %c", option->letter);
    if (takes_planner(option) || has_choices(option)) {
        printf(" -x -a '");
        put_choices(option, " ");
        printf("'");
    } else if (takes_machine(option)) {
        printf(" -r -F -a '(mbsopt list --names hardware 2>/dev/null)'");
    } else if (option->value != NULL) {
        printf(takes_file(option) ? " -r -F" : " -x");
    }
    printf(" -d '");
    put_fish_text(option->help);
    printf("'\n");
}

int print_fish_completion(const command *const *commands)
{
    printf("# mbsopt's completion for fish; made by: mbsopt help --format fish\n");
    for (size_t i = 0; commands[i] != NULL; i++) {
        printf("complete -c mbsopt -n __fish_use_subcommand -f -a %s -d '", commands[i]->name);
        put_fish_text(commands[i]->summary);
        printf("'\n");
    }
    for (size_t i = 0; commands[i] != NULL; i++) {
        const char *words = commands[i]->takes_networks
                                ? "(mbsopt list --names networks 2>/dev/null)"
                                : commands[i]->operand_words;
        if (words != NULL)
            printf("complete -c mbsopt -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                   commands[i]->name, words);
        each_option(commands[i], put_fish_option);
    }
    return finish_output();
}
