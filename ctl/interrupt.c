/* SIGINT, waited for. See interrupt.h. */
#include "ctl/interrupt.h"

#include "core/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

int interrupt_catch(int *out)
{
        struct sigaction action;
        sigset_t signals;

        *out = -1;
        if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
                return 0;
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return error_set(errno, "signals: %s", strerror(errno));
        *out = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        return *out < 0 ? error_set(errno, "signals: %s", strerror(errno)) : 0;
}
