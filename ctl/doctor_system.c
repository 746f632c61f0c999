/* Doctor: the unit, the configuration, rights, limits and the kernel. See doctor.h. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/doctor.h"
#include "ctl/program_output.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
        PROGRAM_MS = 5000,
        SAID_MAX = 4096,
        GROUPS_MAX = 1024,
        DESCRIPTORS_BESIDE = 4500, /* of the daemon's, beside three a session: kyron-iod(8) */
};

/* ---- The unit -------------------------------------------------------------------------------- */

/* The value of a line "NAME=VALUE" of what systemctl says; "": there is none. */
static const char *value_of(const char *said, const char *name, char out[static 64])
{
        const size_t length = strlen(name);

        for (const char *line = said; line && *line; line = strchr(line, '\n'), line += !!line) {
                if (strncmp(line, name, length) == 0 && line[length] == '=') {
                        snprintf(out, 64, "%.*s", (int)strcspn(line + length + 1, "\n"),
                                 line + length + 1);
                        return out;
                }
        }
        return strcpy(out, "");
}

void doctor_check_unit(Doctor *doctor)
{
        static const char *const words[] = {
                "systemctl", "show", "--property=LoadState,ActiveState,MainPID,NeedDaemonReload",
                "kyron-iod.service", NULL};
        char said[SAID_MAX], loaded[64], active[64], pid[64], reload[64], own[64];

        if (strcmp(doctor->command_line->socket_path, KYRON_DEFAULT_SOCKET) != 0)
                return; /* it is not the system's daemon that was asked for */
        if (access("/run/systemd/system", F_OK) < 0) {
                doctor_say(doctor, DOCTOR_OK, "unit", NULL, "systemd does not run here");
                return;
        }
        if (program_output(words, said, sizeof(said), PROGRAM_MS) != 0) {
                doctor_say(doctor, DOCTOR_WARN, "unit", "look why systemctl does not answer",
                           "systemctl show kyron-iod.service does not work");
                return;
        }
        value_of(said, "LoadState", loaded);
        value_of(said, "ActiveState", active);
        value_of(said, "MainPID", pid);
        value_of(said, "NeedDaemonReload", reload);
        snprintf(own, sizeof(own), "%" PRId32, doctor->pid);
        if (strcmp(loaded, "loaded") != 0)
                doctor_say(doctor, DOCTOR_WARN, "unit", "install it: README.md, Installing",
                           "kyron-iod.service is %s", *loaded ? loaded : "not known");
        else if (strcmp(active, "active") != 0)
                doctor_say(doctor, DOCTOR_WARN, "unit",
                           "systemctl enable --now kyron-iod.socket; journalctl -u kyron-iod",
                           "kyron-iod.service is %s", active);
        else if (doctor->pid != 0 && strcmp(pid, own) != 0)
                doctor_say(doctor, DOCTOR_WARN, "unit",
                           "end the other one, and systemctl restart kyron-iod.socket",
                           "kyron-iod.service is process %s, and process %s serves", pid, own);
        else if (strcmp(reload, "yes") == 0)
                doctor_say(doctor, DOCTOR_WARN, "unit", "systemctl daemon-reload",
                           "kyron-iod.service was changed since systemd read it");
        else
                doctor_say(doctor, DOCTOR_OK, "unit", NULL, "kyron-iod.service is active");
}

/* ---- The configuration ----------------------------------------------------------------------- */

void doctor_check_configuration(Doctor *doctor)
{
        const char *words[] = {doctor->program, "--check-config",
                               doctor->command_line->private_daemon ? "--user" : NULL, NULL};
        char said[SAID_MAX];
        int r;

        if (!*doctor->program) {
                doctor_say(doctor, DOCTOR_WARN, "configuration", "install kyron-iod",
                           "there is no %s to check it", KYRON_DAEMON);
                return;
        }
        r = program_output(words, said, sizeof(said), PROGRAM_MS);
        said[strcspn(said, "\n")] = '\0';
        if (r == 0)
                doctor_say(doctor, strncmp(said, "warning: ", 9) == 0 ? DOCTOR_WARN : DOCTOR_OK,
                           "configuration", NULL, "%s", said);
        else if (r > 0)
                doctor_say(doctor, DOCTOR_FAIL, "configuration",
                           "mend it, and kyronctl reload: until then the last one is in force",
                           "%s", *said ? said : "it cannot be read");
        else
                doctor_say(doctor, DOCTOR_WARN, "configuration", NULL, "%s cannot be run: %s",
                           doctor->program, strerror(-r));
}

/* ---- Rights ---------------------------------------------------------------------------------- */

static bool is_listed(const struct group *group, const struct passwd *user)
{
        gid_t listed[GROUPS_MAX];
        int count = GROUPS_MAX;

        if (getgrouplist(user->pw_name, user->pw_gid, listed, &count) < 0)
                return false;
        for (int i = 0; i < count; i++) {
                if (listed[i] == group->gr_gid)
                        return true;
        }
        return false;
}

static bool is_member(const struct group *group)
{
        gid_t own[GROUPS_MAX];
        const int count = getgroups(GROUPS_MAX, own);

        for (int i = 0; i < count; i++) {
                if (own[i] == group->gr_gid)
                        return true;
        }
        return getegid() == group->gr_gid;
}

void doctor_check_rights(Doctor *doctor)
{
        const struct group *group = getgrnam(KYRON_ADMIN_GROUP);
        const struct passwd *user = getpwuid(geteuid());

        if (geteuid() == 0)
                doctor_say(doctor, DOCTOR_OK, "rights", NULL, "root sees and steers everything");
        else if (!group)
                doctor_say(doctor, DOCTOR_WARN, "rights", "systemd-sysusers, or groupadd --system",
                           "there is no group " KYRON_ADMIN_GROUP
                           ": only root sees everybody's sessions");
        else if (is_member(group))
                doctor_say(doctor, DOCTOR_OK, "rights", NULL,
                           "this user is in group " KYRON_ADMIN_GROUP);
        else if (user && is_listed(group, user))
                doctor_say(doctor, DOCTOR_WARN, "rights",
                           "log in again, or newgrp " KYRON_ADMIN_GROUP,
                           "%s is in group " KYRON_ADMIN_GROUP " now, and was not at the login",
                           user->pw_name);
        else
                doctor_say(doctor, DOCTOR_OK, "rights", NULL,
                           "this user sees its own sessions; the group " KYRON_ADMIN_GROUP
                           " and root see everybody's");
}

/* ---- Limits ---------------------------------------------------------------------------------- */

void doctor_check_limits(Doctor *doctor)
{
        const uint64_t needed = UINT64_C(3) * doctor->sessions_max + DESCRIPTORS_BESIDE;
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64], line[256];
        uint64_t soft = 0;

        if (doctor->pid == 0)
                return;
        snprintf(path, sizeof(path), "/proc/%" PRId32 "/limits", doctor->pid);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "Max open files %" SCNu64, &soft) == 1)
                        break;
        }
        if (soft == 0)
                doctor_say(doctor, DOCTOR_OK, "limits", NULL,
                           "how many files the daemon may have open is not to be seen");
        else if (soft < needed)
                doctor_say(doctor, DOCTOR_WARN, "limits", "LimitNOFILE= of the unit, or ulimit -n",
                           "the daemon may have %" PRIu64 " open files; %" PRIu32
                           " sessions need some %" PRIu64,
                           soft, doctor->sessions_max, needed);
        else
                doctor_say(doctor, DOCTOR_OK, "limits", NULL,
                           "the daemon may have %" PRIu64 " open files", soft);
}

/* ---- The kernel ------------------------------------------------------------------------------ */

static int try_epoll(void)
{
        return epoll_create1(EPOLL_CLOEXEC);
}

static int try_eventfd(void)
{
        return eventfd(0, EFD_CLOEXEC);
}

static int try_timerfd(void)
{
        return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
}

static int try_packets(void)
{
        return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static int try_memfd(void)
{
        return memfd_create("doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

static int try_pidfd(void)
{
        return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static int try_diagnostics(void)
{
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

static const struct {
        const char *name;
        int (*open)(void);
        DoctorVerdict without;
        const char *lost;
} features[] = {
        {"epoll", try_epoll, DOCTOR_FAIL, "nothing works"},
        {"Unix sockets for packets", try_packets, DOCTOR_FAIL, "nothing works"},
        {"eventfd", try_eventfd, DOCTOR_FAIL, "programs cannot be woken"},
        {"timerfd", try_timerfd, DOCTOR_WARN, "timers cannot be waited for"},
        {"memfd_create", try_memfd, DOCTOR_WARN,
         "restarts lose connections, and there are no pulses"},
        {"pidfd_open", try_pidfd, DOCTOR_WARN, "processes cannot be waited for"},
        {"sock_diag", try_diagnostics, DOCTOR_WARN, "waits and addresses of sockets are not known"},
};

void doctor_check_kernel(Doctor *doctor)
{
        struct utsname name = {.release = ""};
        size_t there = 0;

        for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
                const int fd = features[i].open();

                if (fd >= 0) {
                        close(fd);
                        there++;
                        continue;
                }
                doctor_say(doctor, features[i].without, "kernel",
                           "let it through the filter of system calls, or use a newer kernel",
                           "%s is missing (%s): %s", features[i].name, strerror(errno),
                           features[i].lost);
        }
        uname(&name);
        if (there == sizeof(features) / sizeof(features[0]))
                doctor_say(doctor, DOCTOR_OK, "kernel", NULL, "Linux %s has all that is needed",
                           name.release);
        if (access("/proc/1/stat", R_OK) < 0)
                doctor_say(
                        doctor, DOCTOR_WARN, "kernel",
                        "be in the group of its option gid=, or root",
                        "/proc hides other users' processes (hidepid): waits sees only own ones");
}
