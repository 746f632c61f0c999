/* Doctor: the socket, and who serves it. See doctor.h. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/doctor.h"
#include "ctl/query.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        EVERYBODY_WRITES = S_IWUSR | S_IWGRP | S_IWOTH,
        OTHERS_WRITE = S_IWGRP | S_IWOTH,
};

static const char start_it[] =
        "systemctl start kyron-iod.socket; or kyron-iod --user, and kyronctl "
        "--private";

/* ---- The socket ------------------------------------------------------------------------------ */

static const char *group_name(gid_t gid, char buffer[static 32])
{
        const struct group *group = getgrgid(gid);

        snprintf(buffer, 32, "%u", (unsigned)gid);
        return group ? group->gr_name : buffer;
}

static void no_socket(Doctor *doctor, const char *path, int error)
{
        if (error == ENOENT || error == ENOTDIR)
                doctor_say(doctor, DOCTOR_FAIL, "socket", start_it, "there is no %s", path);
        else
                doctor_say(doctor, DOCTOR_FAIL, "socket", "let this user into its directories",
                           "%s cannot be reached: %s", path, strerror(error));
}

static void check_directory(Doctor *doctor, const char *path)
{
        char copy[PATH_MAX];
        const char *directory;
        struct stat status;

        snprintf(copy, sizeof(copy), "%s", path);
        directory = dirname(copy);
        if (stat(directory, &status) < 0)
                return;
        if (status.st_uid != 0 && status.st_uid != geteuid())
                doctor_say(doctor, DOCTOR_WARN, "socket",
                           "make it root's: whoever owns it can serve there in the daemon's place",
                           "%s is user %u's", directory, (unsigned)status.st_uid);
        else if (status.st_mode & OTHERS_WRITE && !(status.st_mode & S_ISVTX))
                doctor_say(doctor, DOCTOR_WARN, "socket", "chmod go-w, or a sticky bit",
                           "%s may be written by others (mode %04o)", directory,
                           (unsigned)status.st_mode & 07777);
}

void doctor_check_socket(Doctor *doctor)
{
        const char *path = doctor->command_line->socket_path;
        UserName owner = {.text = ""};
        char buffer[32];
        struct stat status;

        if (stat(path, &status) < 0) {
                no_socket(doctor, path, errno);
                return;
        }
        if (!S_ISSOCK(status.st_mode)) {
                doctor_say(doctor, DOCTOR_FAIL, "socket", "name the right one with --socket",
                           "%s is no socket", path);
                return;
        }
        if (access(path, W_OK) < 0)
                doctor_say(doctor, DOCTOR_FAIL, "socket", "SocketMode=0666 of kyron-iod.socket",
                           "this user may not connect to %s (mode %04o, %s:%s)", path,
                           (unsigned)status.st_mode & 07777, user_name_of(&owner, status.st_uid),
                           group_name(status.st_gid, buffer));
        else if ((status.st_mode & EVERYBODY_WRITES) != EVERYBODY_WRITES &&
                 !doctor->command_line->private_daemon)
                doctor_say(doctor, DOCTOR_WARN, "socket", "SocketMode=0666 of kyron-iod.socket",
                           "not everybody may connect to %s (mode %04o, %s:%s)", path,
                           (unsigned)status.st_mode & 07777, user_name_of(&owner, status.st_uid),
                           group_name(status.st_gid, buffer));
        else
                doctor_say(doctor, DOCTOR_OK, "socket", NULL, "%s (mode %04o, %s:%s)", path,
                           (unsigned)status.st_mode & 07777, user_name_of(&owner, status.st_uid),
                           group_name(status.st_gid, buffer));
        check_directory(doctor, path);
}

/* ---- Who serves it --------------------------------------------------------------------------- */

/* Whether its process numbers are ours. */
static bool is_in_our_namespace(const Iod__Status *status)
{
        struct stat own;

        return status->pid_namespace != 0 && stat("/proc/self/ns/pid", &own) == 0 &&
               own.st_ino == status->pid_namespace;
}

static void check_release(Doctor *doctor, const char *release)
{
        if (strcmp(release, PACKAGE_VERSION) == 0)
                doctor_say(doctor, DOCTOR_OK, "release", NULL,
                           "%s, as kyronctl; protocol version %d", release, FRAME_PROTOCOL_VERSION);
        else
                doctor_say(doctor, DOCTOR_WARN, "release",
                           "systemctl restart kyron-iod, if it is the older one",
                           "the daemon is %s, kyronctl %s; protocol version %d", release,
                           PACKAGE_VERSION, FRAME_PROTOCOL_VERSION);
}

/* Which program serves, as far as this user may see that. */
static void check_program(Doctor *doctor)
{
        static const char deleted[] = " (deleted)";
        char link[64], served[PATH_MAX], *path = doctor->program;
        ssize_t n;

        if (access(KYRON_DAEMON, X_OK) == 0)
                snprintf(path, sizeof(doctor->program), "%s", KYRON_DAEMON);
        if (doctor->pid == 0)
                return;
        snprintf(link, sizeof(link), "/proc/%" PRId32 "/exe", doctor->pid);
        n = readlink(link, served, sizeof(served) - 1);
        if (n < 0) {
                doctor_say(doctor, DOCTOR_OK, "program", NULL,
                           "which one serves is for root and the daemon's user to see");
                return;
        }
        served[n] = '\0';
        memcpy(path, served, (size_t)n + 1);
        if ((size_t)n > strlen(deleted) && strcmp(path + n - strlen(deleted), deleted) == 0) {
                path[(size_t)n - strlen(deleted)] = '\0';
                doctor_say(doctor, DOCTOR_WARN, "program",
                           "kill -USR2 has the new one go on with all there is; or restart it",
                           "%s was replaced since the daemon was started", path);
        } else if (strcmp(path, KYRON_DAEMON) != 0 && access(KYRON_DAEMON, X_OK) == 0) {
                doctor_say(doctor, DOCTOR_WARN, "program", "stop the one that is not meant",
                           "%s serves, and %s is installed", path, KYRON_DAEMON);
        } else {
                doctor_say(doctor, DOCTOR_OK, "program", NULL, "%s", path);
        }
}

void doctor_check_daemon(Doctor *doctor)
{
        CLEANUP(query_close) Query query;
        const Iod__Status *status;
        ExitCode code = query_open(&query, doctor->command_line->socket_path);

        if (code == EXIT_CODE_OK)
                code = query_status(&query, &status);
        if (code != EXIT_CODE_OK) {
                /* Its sentence has the way out. */
                doctor_say(doctor, DOCTOR_FAIL, "daemon", NULL, "%s", error_text());
        } else {
                doctor->pid = is_in_our_namespace(status) ? status->pid : 0;
                doctor->sessions_max = status->sessions_max;
                doctor_say(doctor, DOCTOR_OK, "daemon", NULL,
                           "process %" PRId32 " answers; %" PRIu32 " of %" PRIu32
                           " sessions, the longest turn %" PRIu64 " us",
                           status->pid, status->sessions, status->sessions_max,
                           status->longest_turn_us);
                check_release(doctor, status->release);
        }
        check_program(doctor);
}
