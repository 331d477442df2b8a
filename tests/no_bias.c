#include "no_bias.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define MOST_ARGUMENTS 16

static bool write_networks(const no_bias *networks)
{
    const char *arguments[MOST_ARGUMENTS + 1] = {
        "python3", source_path("scripts/make_zoo.py"), "--no-bias", "-o", networks->folder,
        "--only"};
    const int options = 6;
    for (int i = 0; networks->names[i] != NULL; i++) {
        if (options + i == MOST_ARGUMENTS)
            return false;
        arguments[options + i] = networks->names[i];
    }
    pid_t child = fork();
    if (child == 0) {
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

bool no_bias_open(no_bias *networks, const char *const *names)
{
    const char *given = getenv("MBS_NO_BIAS_DIR");
    const char *temporary = getenv("TMPDIR");
    *networks = (no_bias){.names = names};
    if (given != NULL) {
        snprintf(networks->folder, sizeof networks->folder, "%s", given);
        return true;
    }
    snprintf(networks->folder, sizeof networks->folder, "%s/mbsopt-no-bias-XXXXXX",
             temporary != NULL ? temporary : "/tmp");
    networks->ours = mkdtemp(networks->folder) != NULL;
    return networks->ours && write_networks(networks);
}

void no_bias_close(no_bias *networks)
{
    if (!networks->ours)
        return;
    for (const char *const *name = networks->names; *name != NULL; name++) {
        char path[2048];
        snprintf(path, sizeof path, "%s/%s.json", networks->folder, *name);
        remove(path);
    }
    rmdir(networks->folder);
}
