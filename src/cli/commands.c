#include "commands.h"

#include <string.h>

#include "options.h"
#include "output.h"

#define MOST_COMMANDS 24

const command *find_command(const command *const *commands, const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

int unknown_command(const command *const *commands, const char *name)
{
    const char *names[MOST_COMMANDS + 3] = {NULL};
    size_t count = 0;
    for (; count < MOST_COMMANDS && commands[count] != NULL; count++)
        names[count] = commands[count]->name;
    names[count++] = "--version";
    names[count] = "--help";
    const char *nearest = nearest_name(name, names);
    if (nearest != NULL)
        complain("unknown %s %s (did you mean %s?)", name[0] == '-' ? "option" : "command", name,
                 nearest);
    else
        complain("unknown %s %s", name[0] == '-' ? "option" : "command", name);
    complain("see: mbsopt help");
    return EXIT_USAGE;
}
