/* Executing another program with a state to take over. See handover_execute.h. */
#include "daemon/restart/handover_execute.h"

#include "core/error.h"
#include "daemon/process/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Until it can take them: what is ignored or blocked stays so in the program. */
static const int ignored[] = {SIGHUP, SIGUSR2}, held_back[] = {SIGTERM, SIGINT};

enum { SIGNALS = 2 };

int handover_execute(int borrow_program_fd, const char *path, char **argv, int borrow_state_fd)
{
        const struct sigaction action = {.sa_handler = SIG_IGN};
        struct sigaction before[SIGNALS];
        sigset_t signals, blocked_before;
        char number[16];
        int r;

        snprintf(number, sizeof(number), "%d", borrow_state_fd);
        if (setenv(HANDOVER_VARIABLE, number, 1) < 0)
                return error_set(ENOMEM, "no memory for its environment");
        sigemptyset(&signals);
        for (size_t i = 0; i < SIGNALS; i++) {
                sigaddset(&signals, held_back[i]);
                sigaction(ignored[i], &action, &before[i]);
        }
        pthread_sigmask(SIG_BLOCK, &signals, &blocked_before);
        fcntl(borrow_state_fd, F_SETFD, 0);
        (void)log_flush();
        if (path)
                execv(path, argv);
        else
                execveat(borrow_program_fd, "", argv, environ, AT_EMPTY_PATH);
        r = error_set(errno, "%s: %s", argv[0], strerror(errno));
        fcntl(borrow_state_fd, F_SETFD, FD_CLOEXEC);
        pthread_sigmask(SIG_SETMASK, &blocked_before, NULL);
        for (size_t i = 0; i < SIGNALS; i++)
                sigaction(ignored[i], &before[i], NULL);
        unsetenv(HANDOVER_VARIABLE);
        return r;
}
