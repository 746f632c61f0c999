/* Who is at the other end of a session, by the kernel's word. See session_peer.h. */
#include "daemon/process/peer.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/process/peer_process.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GROUPS_MAX = 256 };

/* The process's groups, its own first. A kernel that does not say more leaves it at that. */
static int learn_groups(Session *session, gid_t gid)
{
        gid_t groups[GROUPS_MAX];
        socklen_t size = sizeof(groups);
        size_t n = 0;

        /* Of somebody in more groups than fit here, the others do not count. */
        if (getsockopt(session->socket_fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
                n = size / sizeof(groups[0]);
        session->groups = malloc((n + 1) * sizeof(*session->groups));
        if (!session->groups)
                return error_set(ENOMEM, "no memory for another session");
        session->groups[0] = gid;
        memcpy(&session->groups[1], groups, n * sizeof(groups[0]));
        session->n_groups = n + 1;
        return 0;
}

static bool in_admin_group(const Session *session)
{
        if (!session->server->has_admin_gid)
                return false;
        for (size_t i = 0; i < session->n_groups; i++) {
                if (session->groups[i] == session->server->admin_gid)
                        return true;
        }
        return false;
}

/* A private instance is its user's, and has no other. */
static bool owns_instance(const Session *session)
{
        return session->server->options->user && session->uid == geteuid();
}

/* The kernel's name for the process, until Hello brings another. */
static void name_after_process(Session *session)
{
        CLEANUP(cleanup_close) int fd = -1;
        char path[sizeof("/proc//comm") + 3 * sizeof(pid_t)];
        ssize_t n;

        strcpy(session->program, "-");
        snprintf(path, sizeof(path), "/proc/%d/comm", (int)session->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, session->program, FRAME_PROGRAM_MAX);
        if (n > 0)
                session->program[strcspn(session->program, "\n")] = '\0';
        for (char *c = session->program; *c; c++) {
                if (*c < ' ' || *c > '~')
                        *c = '?';
        }
}

int session_identify_peer(Session *session)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);
        struct timespec now;
        int r;

        if (getsockopt(session->socket_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return error_set(errno, "the kernel does not say who connected");
        session->pid = peer.pid;
        session->uid = peer.uid;
        session->gid = peer.gid;
        session->process_fd = peer_process_open(session->socket_fd, session->pid);
        if (session->process_fd == -ESRCH)
                return error_set(ESRCH, "the process that connected has ended");
        r = learn_groups(session, peer.gid);
        if (r < 0)
                return r;
        session->sees_all = peer.uid == 0 || in_admin_group(session) || owns_instance(session);
        name_after_process(session);
        clock_gettime(CLOCK_REALTIME, &now);
        session->since = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
        return 0;
}

int session_check_sender(Session *session, const struct ucred *sender)
{
        /* Neither is known of a process in a pid namespace that the daemon does not see. */
        if (sender->pid == 0 || session->pid == 0)
                return 0;
        if (!session->has_sender && sender->pid == session->pid) {
                /* Its real user, which is another than the session's if it is set-user-ID. */
                session->sender_uid = sender->uid;
                session->has_sender = true;
        }
        if (session->has_sender && sender->pid == session->pid &&
            sender->uid == session->sender_uid)
                return 0;
        return error_set(EPERM, "process %d, user %u, sent on the session of process %d, user %u",
                         (int)sender->pid, (unsigned)sender->uid, (int)session->pid,
                         (unsigned)(session->has_sender ? session->sender_uid : session->uid));
}
