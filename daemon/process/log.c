/* The daemon's log. See log.h. */
#include "daemon/process/log.h"

#include "core/printable.h"
#include "daemon/process/log_output.h"
#include "daemon/process/log_queue.h"
#include "daemon/process/log_shares.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of what is said, before it is escaped. */
enum { SAID_MAX = 512 };

static int least_urgent = LOG_INFO;

void log_open(int level)
{
        least_urgent = level;
        log_output_open();
}

int log_start(void)
{
        return log_queue_start();
}

bool log_flush(void)
{
        return log_queue_flush() || !log_output_is_file();
}

void log_stop(void)
{
        log_queue_stop();
}

void log_to_syslog(void)
{
        log_queue_flush();
        log_output_to_syslog();
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

/* "session 7 (", as nothing but the beginning of a line has it. */
static void break_names(char *text)
{
        static const char word[] = "session ";

        while ((text = strstr(text, word))) {
                text += strlen(word);
                text += strspn(text, "0123456789 ");
                if (*text == '(')
                        *text = '?';
        }
}

static void put(LogLine *line, const char *format, va_list args)
{
        int saved_errno = errno;
        size_t length = strlen(line->text);
        char said[SAID_MAX];

        vsnprintf(said, sizeof(said), format, args);
        printable_escape(line->text + length, sizeof(line->text) - length, said, "");
        break_names(line->text + length);
        log_queue_put(line);
        errno = saved_errno;
}

void log_daemon(int level, const char *format, ...)
{
        LogLine line;
        va_list args;

        if (level > least_urgent)
                return;
        line = (LogLine){.level = level, .owner = LOG_OWNER_DAEMON};
        va_start(args, format);
        put(&line, format, args);
        va_end(args);
}

void log_user(int level, uid_t uid, const char *format, ...)
{
        LogLine line;
        va_list args;

        if (level > least_urgent)
                return;
        line = (LogLine){.level = level, .owner = uid};
        va_start(args, format);
        put(&line, format, args);
        va_end(args);
}

/* Without what tells one part of a name from the next. */
static void begin_with_name(LogLine *line, const Peer *peer)
{
        char program[4 * FRAME_PROGRAM_MAX + 1];

        printable_escape(program, sizeof(program), peer->program, "(),\"\\");
        snprintf(line->text, sizeof(line->text),
                 "session %llu (%s, pid %d, uid %u): ", (unsigned long long)peer->session, program,
                 (int)peer->pid, (unsigned)peer->uid);
}

void log_session(int level, const Peer *peer, const char *format, ...)
{
        LogLine line;
        va_list args;

        if (level > least_urgent)
                return;
        line = (LogLine){
                .level = level,
                .owner = peer->uid,
                .session = peer->session,
                .pid = peer->pid,
                .uid = peer->uid,
        };
        begin_with_name(&line, peer);
        va_start(args, format);
        put(&line, format, args);
        va_end(args);
}
