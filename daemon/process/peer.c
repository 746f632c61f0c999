/* Who is at the other end of a session, by the kernel's word. See peer.h. */
#include "daemon/process/peer.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/process/peer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The process's groups, its own first. A kernel that does not say more leaves it at that. */
static int learn_groups(Peer *peer, int borrow_socket_fd)
{
        gid_t groups[PEER_GROUPS_MAX];
        socklen_t size = sizeof(groups);
        size_t n = 0;

        /* Of somebody in more groups than fit here, the others do not count. */
        if (getsockopt(borrow_socket_fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
                n = size / sizeof(groups[0]);
        peer->groups = malloc((n + 1) * sizeof(*peer->groups));
        if (!peer->groups)
                return error_set(ENOMEM, "no memory for another session");
        peer->groups[0] = peer->gid;
        memcpy(&peer->groups[1], groups, n * sizeof(groups[0]));
        peer->n_groups = n + 1;
        return 0;
}

/* The kernel's name for the process, until Hello brings another. */
static void name_after_process(Peer *peer)
{
        CLEANUP(cleanup_close) int fd = -1;
        char path[sizeof("/proc//comm") + 3 * sizeof(pid_t)];
        ssize_t n;

        strcpy(peer->program, "-");
        snprintf(path, sizeof(path), "/proc/%d/comm", (int)peer->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, peer->program, FRAME_PROGRAM_MAX);
        if (n > 0)
                peer->program[strcspn(peer->program, "\n")] = '\0';
        for (char *c = peer->program; *c; c++) {
                if (*c < ' ' || *c > '~')
                        *c = '?';
        }
}

void peer_init(Peer *peer, uint64_t session)
{
        *peer = (Peer){.session = session, .process_fd = -1};
}

void peer_deinit(Peer *peer)
{
        if (peer->process_fd >= 0)
                close(STEAL_FD(peer->process_fd));
        free(STEAL_PTR(peer->groups));
}

int peer_identify(Peer *peer, int borrow_socket_fd)
{
        struct ucred credentials;
        socklen_t size = sizeof(credentials);
        int r;

        if (getsockopt(borrow_socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return error_set(errno, "the kernel does not say who connected");
        peer->pid = credentials.pid;
        peer->uid = credentials.uid;
        peer->gid = credentials.gid;
        peer->process_fd = peer_process_open(borrow_socket_fd, peer->pid);
        if (peer->process_fd == -ESRCH)
                return error_set(ESRCH, "the process that connected has ended");
        r = learn_groups(peer, borrow_socket_fd);
        if (r < 0)
                return r;
        name_after_process(peer);
        return 0;
}

bool peer_is_in_group(const Peer *peer, gid_t gid)
{
        for (size_t i = 0; i < peer->n_groups; i++) {
                if (peer->groups[i] == gid)
                        return true;
        }
        return false;
}

int peer_check_sender(Peer *peer, const struct ucred *sender)
{
        /* Neither is known of a process in a pid namespace that the daemon does not see. */
        if (sender->pid == 0 || peer->pid == 0)
                return 0;
        if (!peer->has_sender && sender->pid == peer->pid) {
                /* Its real user, which is another than the session's if it is set-user-ID. */
                peer->sender_uid = sender->uid;
                peer->has_sender = true;
        }
        if (peer->has_sender && sender->pid == peer->pid && sender->uid == peer->sender_uid)
                return 0;
        return error_set(EPERM, "process %d, user %u, sent on the session of process %d, user %u",
                         (int)sender->pid, (unsigned)sender->uid, (int)peer->pid,
                         (unsigned)(peer->has_sender ? peer->sender_uid : peer->uid));
}
