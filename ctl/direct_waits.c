/* What direct sessions wait for. See direct_waits.h. */
#include "ctl/direct_waits.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/query_list.h"
#include "ctl/session_state.h"
#include "ctl/user_name.h"
#include "waits/process_directory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Lines about what is not shown. */
enum { COMPLAINTS_MAX = 10 };

/* ---- Which there are ------------------------------------------------------------------------- */

static bool is_direct(const Iod__SessionEntry *entry)
{
        return entry->delivery == IOD__DELIVERY__DELIVERY_DIRECT;
}

static DirectSession *add_session(DirectWaits *waits)
{
        if (waits->count == waits->capacity) {
                size_t capacity = waits->capacity ? 2 * waits->capacity : 16;
                DirectSession *sessions =
                        reallocarray(waits->sessions, capacity, sizeof(*sessions));

                if (!sessions)
                        return NULL;
                waits->sessions = sessions;
                waits->capacity = capacity;
        }
        return &waits->sessions[waits->count++];
}

static void note(void *data, const Iod__SessionEntry *entry)
{
        DirectWaits *waits = data;
        const Iod__Pulse *pulse = entry->pulse;
        DirectSession *session;

        if (!is_direct(entry) || entry->session == waits->own)
                return;
        session = add_session(waits);
        if (!session) {
                waits->failed = true;
                return;
        }
        *session = (DirectSession){
                .session = entry->session,
                .pid = entry->pid,
                .uid = entry->uid,
                .has_pulse = pulse,
                .registrations = pulse ? pulse->registrations : 0,
                .set = pulse && pulse->set <= INT_MAX ? pulse->set : 0,
        };
        snprintf(session->program, sizeof(session->program), "%s", entry->program);
}

/* ---- One of them ----------------------------------------------------------------------------- */

/* Whether the daemon still has the session, of this process. */
typedef struct Confirmation {
        const DirectSession *session;
        bool is_there;
} Confirmation;

static void confirm(void *data, const Iod__SessionEntry *entry)
{
        Confirmation *confirmation = data;

        confirmation->is_there = is_direct(entry) && entry->pid == confirmation->session->pid;
}

static ExitCode check_session(Query *query, const DirectSession *session, bool *is_there)
{
        Confirmation confirmation = {.session = session};
        ExitCode code = query_sessions(query, session->session, confirm, &confirmation);

        *is_there = confirmation.is_there;
        return code == EXIT_CODE_NOT_FOUND || code == EXIT_CODE_DENIED ? EXIT_CODE_OK : code;
}

static DirectUse *find_use(DirectWaits *waits, uint32_t uid)
{
        DirectUse *uses;

        for (size_t i = 0; i < waits->n_uses; i++) {
                if (waits->uses[i].uid == uid)
                        return &waits->uses[i];
        }
        uses = reallocarray(waits->uses, waits->n_uses + 1, sizeof(*uses));
        if (!uses)
                return NULL;
        waits->uses = uses;
        uses[waits->n_uses] = (DirectUse){.uid = uid};
        return &uses[waits->n_uses++];
}

/* 0 or -errno. */
static int read_set(const DirectSession *session, const SetOwner *owner, DirectUse *use,
                    SetEntries *out)
{
        const uint64_t began_ms = clock_now_ms();
        uint64_t left_ms;
        int r;

        if (use->ms >= DIRECT_WAITS_USER_MS || use->entries >= DIRECT_WAITS_USER_ENTRIES_MAX)
                return -EDQUOT;
        left_ms = DIRECT_WAITS_USER_MS - use->ms;
        r = set_reader_read(owner, session->set,
                            left_ms < DIRECT_WAITS_READ_MS ? (int)left_ms : DIRECT_WAITS_READ_MS,
                            out);
        use->ms += clock_now_ms() - began_ms;
        use->entries += out->count;
        return r;
}

/* *is_there: the session was not lost meanwhile. */
static ExitCode read_session(DirectWaits *waits, Query *query, DirectSession *session,
                             bool *is_there)
{
        CLEANUP(cleanup_close) int directory = process_directory_open(session->pid);
        DirectUse *use = find_use(waits, session->uid);
        SetOwner owner = {.pid = session->pid, .borrow_directory = directory};
        ProcessStat stat = {.start_time = 0};
        ExitCode code;

        if (!use) {
                session->error = -ENOMEM;
                return EXIT_CODE_OK;
        }
        session->error =
                directory < 0 || process_directory_stat(directory, "stat", &stat) < 0 ? -ESRCH : 0;
        code = check_session(query, session, is_there);
        if (code != EXIT_CODE_OK || !*is_there || session->error < 0)
                return code;
        owner.start_time = stat.start_time;
        session->error = read_set(session, &owner, use, &session->waits);
        return EXIT_CODE_OK;
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Why none of them can be read: 0 or -errno in *error. */
static ExitCode check_namespace(Query *query, int *error)
{
        const Iod__Status *status;
        ExitCode code = query_status(query, &status);

        if (code == EXIT_CODE_OK)
                *error = status->pid_namespace == 0 ||
                                         status->pid_namespace != session_state_own_namespace()
                                 ? -EXDEV
                                 : 0;
        return code;
}

/* Reads each, and leaves out those that have ended. */
static ExitCode read_all(DirectWaits *waits, Query *query, int error)
{
        ExitCode code = EXIT_CODE_OK;
        size_t kept = 0;

        for (size_t i = 0; i < waits->count && code == EXIT_CODE_OK; i++) {
                DirectSession *session = &waits->sessions[i];
                bool is_there = true;

                session->error = error;
                if (session->set == 0)
                        session->error = -ENODATA;
                else if (error == 0 && session->pid <= 0)
                        session->error = -ESRCH;
                else if (error == 0)
                        code = read_session(waits, query, session, &is_there);
                if (is_there)
                        waits->sessions[kept++] = *session;
        }
        waits->count = kept;
        return code;
}

ExitCode direct_waits_read(DirectWaits *waits, Query *query, uint64_t session)
{
        int error = 0;
        ExitCode code;

        *waits = (DirectWaits){.own = query->connection.session};
        code = query_sessions(query, session, note, waits);
        if (code == EXIT_CODE_OK && waits->failed) {
                error_set(ENOMEM, "no memory for the answer");
                code = EXIT_CODE_FAILED;
        }
        if (code != EXIT_CODE_OK || waits->count == 0)
                return code;
        code = check_namespace(query, &error);
        return code == EXIT_CODE_OK ? read_all(waits, query, error) : code;
}

void direct_waits_close(DirectWaits *waits)
{
        for (size_t i = 0; i < waits->count; i++)
                set_reader_release(&waits->sessions[i].waits);
        free(waits->sessions);
        free(waits->uses);
        *waits = (DirectWaits){.sessions = NULL};
}

/* ---- What is not shown ----------------------------------------------------------------------- */

enum { REASON_MAX = 128 };

static const char *reason_of(const DirectSession *session, char buffer[static REASON_MAX])
{
        UserName user = {.uid = 0};

        switch (session->error) {
        case -EACCES:
        case -EPERM:
                if (session->uid == 0 || session->uid == geteuid())
                        return "root may see which";
                snprintf(buffer, REASON_MAX, "user %s and root may see which",
                         user_name_of(&user, session->uid));
                return buffer;
        case -ENODATA:
                return "it does not tell where";
        case -EXDEV:
                return "the daemon numbers processes in another pid namespace";
        case -ESRCH:
                return "its process cannot be seen from here";
        case -ENOENT:
        case -ENOTTY:
                return "and what it names is no epoll set";
        case -E2BIG:
                return "too many descriptors to look without holding it up";
        case -ETIME:
        case -EAGAIN:
                return "its epoll set cannot be listed in time";
        case -EDQUOT:
                return "its user's sessions have taken too long, or have too many";
        default:
                return strerror(-session->error);
        }
}

static void complain_of(const DirectSession *session)
{
        char reason[REASON_MAX], count[64] = "";

        if (session->has_pulse)
                snprintf(count, sizeof(count), " for %" PRIu32 " descriptors, it says",
                         session->registrations);
        fprintf(stderr, "session %" PRIu64 " (%s, process %" PRId32 ") waits itself%s: %s\n",
                session->session, session->program, session->pid, count,
                reason_of(session, reason));
}

size_t direct_waits_complain(const DirectWaits *waits)
{
        size_t complaints = 0;

        for (size_t i = 0; i < waits->count; i++) {
                const DirectSession *session = &waits->sessions[i];

                if (session->error == 0 && !session->waits.more)
                        continue;
                if (complaints++ >= COMPLAINTS_MAX)
                        continue;
                if (session->error < 0)
                        complain_of(session);
                else
                        fprintf(stderr, "session %" PRIu64 ": %d of its descriptors are shown\n",
                                session->session, SET_READER_ENTRIES_MAX);
        }
        if (complaints > COMPLAINTS_MAX)
                fprintf(stderr, "%zu more sessions wait themselves, and cannot be looked into\n",
                        complaints - COMPLAINTS_MAX);
        return complaints;
}
