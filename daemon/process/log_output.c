/* Where the log's lines go. See log_output.h. */
#include "daemon/process/log_output.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#if HAVE_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#endif

static atomic_bool to_syslog;
static bool to_file;
#if HAVE_SYSTEMD
static atomic_bool to_journal;
#endif

static const char *const level_names[] = {
        [LOG_EMERG] = "emergency", [LOG_ALERT] = "alert",     [LOG_CRIT] = "critical",
        [LOG_ERR] = "error",       [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",       [LOG_DEBUG] = "debug",
};

#if HAVE_SYSTEMD
/* systemd names the journal's stream in JOURNAL_STREAM; a redirected stderr is another. */
static bool is_journal(const struct stat *error_stream)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;

        return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
               error_stream->st_dev == device && error_stream->st_ino == inode;
}
#endif

void log_output_open(void)
{
        struct stat error_stream;
        bool found = fstat(STDERR_FILENO, &error_stream) == 0;

#if HAVE_SYSTEMD
        to_journal = found && is_journal(&error_stream);
#endif
        to_file = found && S_ISREG(error_stream.st_mode);
}

bool log_output_is_file(void)
{
        return to_file && !to_syslog;
}

void log_output_to_syslog(void)
{
        openlog("kyron-iod", LOG_PID, LOG_DAEMON);
        to_syslog = true;
}

/* What is shared with others, standard error above all, may have been made not to block by them. */
static bool wait_for_room(int fd)
{
        struct pollfd room = {.fd = fd, .events = POLLOUT};

        return poll(&room, 1, -1) > 0 || errno == EINTR;
}

/* In one write(), so that lines stay whole, where it can be; and not by dprintf(), which leaks
 * where it fails. */
static void write_to_stderr(const LogLine *line)
{
        char text[LOG_TEXT_MAX + 32];
        int size = snprintf(text, sizeof(text), "kyron-iod: %s: %s\n", level_names[line->level],
                            line->text);
        ssize_t n;

        for (const char *rest = text; size > 0; rest += n, size -= (int)n) {
                n = write(STDERR_FILENO, rest, (size_t)size);
                if (n >= 0)
                        continue;
                n = 0;
                if (errno != EINTR && (errno != EAGAIN || !wait_for_room(STDERR_FILENO)))
                        return;
        }
}

#if HAVE_SYSTEMD
static void write_to_journal(const LogLine *line)
{
        if (line->session == 0) {
                sd_journal_send("MESSAGE=%s", line->text, "PRIORITY=%d", line->level, NULL);
                return;
        }
        sd_journal_send("MESSAGE=%s", line->text, "PRIORITY=%d", line->level, "KYRON_SESSION=%llu",
                        (unsigned long long)line->session, "OBJECT_PID=%d", (int)line->pid,
                        "KYRON_UID=%u", (unsigned)line->uid, NULL);
}
#endif

void log_output_write(const LogLine *line)
{
#if HAVE_SYSTEMD
        if (to_journal) {
                write_to_journal(line);
                return;
        }
#endif
        if (to_syslog)
                syslog(line->level, "%s", line->text);
        else
                write_to_stderr(line);
}
