/* The daemon's log. See log.h. */
#include "daemon/process/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

enum { LINE_MAX_BYTES = 512 };

static int least_urgent = LOG_INFO;
static bool to_syslog;
#if HAVE_SYSTEMD
static bool to_journal;
#endif

static const char *const level_names[] = {
        [LOG_EMERG] = "emergency", [LOG_ALERT] = "alert",     [LOG_CRIT] = "critical",
        [LOG_ERR] = "error",       [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",       [LOG_DEBUG] = "debug",
};

void log_open(int level)
{
        least_urgent = level;
#if HAVE_SYSTEMD
        /* systemd names the journal's stream in JOURNAL_STREAM; a redirected stderr is another. */
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat error_stream;

        to_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                     fstat(STDERR_FILENO, &error_stream) == 0 && error_stream.st_dev == device &&
                     error_stream.st_ino == inode;
#endif
}

int log_refusal_level(int error)
{
        switch (error) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
        case ENOSPC:
                return LOG_WARNING;
        default:
                return LOG_DEBUG;
        }
}

void log_to_syslog(void)
{
        openlog("kyron-iod", LOG_PID | LOG_NDELAY, LOG_DAEMON);
        to_syslog = true;
}

/* In one write(), so that lines stay whole; and not by dprintf(), which leaks where it fails. */
static void write_to_stderr(int level, const char *about, const char *text)
{
        char line[2 * LINE_MAX_BYTES];
        int size = snprintf(line, sizeof(line), "kyron-iod: %s: %s%s\n", level_names[level], about,
                            text);

        if (write(STDERR_FILENO, line, (size_t)size) < 0)
                return; /* there is nowhere to say so */
}

static void write_line(int level, const Peer *peer, const char *text)
{
        char about[128] = "";

        if (peer)
                snprintf(about, sizeof(about),
                         "session %llu (%s, pid %d, uid %u): ", (unsigned long long)peer->session,
                         peer->program, (int)peer->pid, (unsigned)peer->uid);
#if HAVE_SYSTEMD
        if (to_journal && peer) {
                sd_journal_send("MESSAGE=%s%s", about, text, "PRIORITY=%d", level,
                                "KYRON_SESSION=%llu", (unsigned long long)peer->session,
                                "OBJECT_PID=%d", (int)peer->pid, "KYRON_UID=%u",
                                (unsigned)peer->uid, NULL);
                return;
        }
        if (to_journal) {
                sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", level, NULL);
                return;
        }
#endif
        if (to_syslog)
                syslog(level, "%s%s", about, text);
        else
                write_to_stderr(level, about, text);
}

/* Whether this line may be written; reports what was left out when lines may be written again. */
static bool within_rate(void)
{
        static time_t second;
        static unsigned lines, left_out;
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
        if (now.tv_sec != second) {
                if (left_out > 0) {
                        char text[64];

                        snprintf(text, sizeof(text), "%u lines were left out of the log", left_out);
                        write_line(LOG_WARNING, NULL, text);
                }
                second = now.tv_sec;
                lines = left_out = 0;
        }
        if (lines < LOG_LINES_PER_SECOND) {
                lines++;
                return true;
        }
        left_out++;
        return false;
}

void log_daemon(int level, const char *format, ...)
{
        int saved_errno = errno;
        char text[LINE_MAX_BYTES];
        va_list args;

        if (level > least_urgent || !within_rate())
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        write_line(level, NULL, text);
        errno = saved_errno;
}

void log_session(int level, const Peer *peer, const char *format, ...)
{
        int saved_errno = errno;
        char text[LINE_MAX_BYTES];
        va_list args;

        if (level > least_urgent || !within_rate())
                return;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        write_line(level, peer, text);
        errno = saved_errno;
}
