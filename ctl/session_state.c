/* Whether a session's process goes on. See session_state.h. */
#include "ctl/session_state.h"

#include "core/cleanup.h"
#include "ctl/argument.h"
#include "waits/process_directory.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

uint64_t session_state_own_namespace(void)
{
        char self[3 * sizeof(pid_t)] = "";
        struct stat file;
        uint64_t pid;

        if (readlink("/proc/self", self, sizeof(self) - 1) < 0 ||
            !argument_number(self, INT_MAX, &pid) || pid != (uint64_t)getpid() ||
            stat("/proc/self/ns/pid", &file) < 0)
                return 0;
        return file.st_ino;
}

bool session_state_is_stopped(uint64_t own_namespace, uint64_t pid_namespace, int32_t pid)
{
        CLEANUP(cleanup_close) int directory = -1;
        ProcessStat stat;

        if (own_namespace == 0 || own_namespace != pid_namespace || pid <= 0)
                return false;
        directory = process_directory_open(pid);
        return directory >= 0 && process_directory_stat(directory, "stat", &stat) == 0 &&
               (stat.state == 'T' || stat.state == 't');
}

/* Whether it says that its loop has been at something else than waiting. */
static bool runs_for_long(const Iod__SessionEntry *entry)
{
        const Iod__Pulse *pulse = entry->pulse;

        return pulse && pulse->runs && pulse->since_ms >= SESSION_STATE_FROZEN_MS &&
               (pulse->registrations > 0 || entry->registrations > 0);
}

SessionFrozen session_state_frozen(const Iod__SessionEntry *entry, bool is_stopped)
{
        if (is_stopped)
                return SESSION_FROZEN_STOPPED;
        if (entry->unread_ms >= SESSION_STATE_FROZEN_MS)
                return SESSION_FROZEN_UNREAD;
        return runs_for_long(entry) ? SESSION_FROZEN_RUNS : SESSION_FROZEN_NOT;
}

const char *session_state_why(SessionFrozen frozen)
{
        static const char *const words[] = {
                [SESSION_FROZEN_STOPPED] = "stopped",
                [SESSION_FROZEN_UNREAD] = "unread",
                [SESSION_FROZEN_RUNS] = "runs",
        };

        return words[frozen];
}

const char *session_state_text(const Iod__SessionEntry *entry, SessionFrozen frozen)
{
        if (frozen != SESSION_FROZEN_NOT)
                return "frozen";
        return entry->waiting ? "waiting" : "serving";
}
