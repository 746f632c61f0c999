/*
 * kyronctl monitor: a line for whatever begins, ends or goes wrong, as it happens.
 *
 * It subscribes (Subscribe in proto/iod.proto), and writes what comes, until SIGINT, the end of
 * --timeout, or of whoever reads its lines. Without a daemon it waits for the next one, and says
 * both. Once a second it looks at the machine's waits (wait_watch.h), and asks the daemon for its
 * sessions then, in a session of its own.
 */
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "ctl/happening_text.h"
#include "ctl/interrupt.h"
#include "ctl/query.h"
#include "ctl/wait_watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
        /* How long until it looks for the daemon again. */
        AWAY_LOOK_MS = 250,
        /* Between two looks at the waits. */
        WAITS_LOOK_MS = 1000,
        /* Of one wait, where nothing is due. */
        LONGEST_WAIT_MS = 60 * 60 * 1000,
};

typedef struct Monitor {
        const CommandLine *command_line;
        Query query;
        Query asking;                       /* for the waits */
        Iod__Kind kinds[MONITOR_KINDS_MAX]; /* none: all */
        size_t n_kinds;
        bool waits_alone;  /* no kind that the daemon tells of */
        WaitWatch *waits;  /* NULL: they are left out */
        uint64_t waits_ms; /* the next look at them */
        HappeningText out;
        int interrupt_fd;
        uint64_t end_ms;      /* 0: never */
        uint64_t look_ms;     /* for the daemon, while it is away */
        uint64_t own_session; /* of asking; 0: there was none */
        bool ends;            /* well */
} Monitor;

static bool is_connected(const Monitor *monitor)
{
        return monitor->query.connection.fd >= 0;
}

static int read_kinds(Monitor *monitor, const CommandLine *command_line, bool *wants_waits)
{
        *wants_waits = command_line->argument_count == 0 && !command_line->no_waits;
        for (int i = 0; i < command_line->argument_count; i++) {
                const char *word = command_line->arguments[i];
                const Iod__Kind kind = happening_text_kind(word);

                if (strcmp(word, "wait") == 0) {
                        *wants_waits = true;
                        continue;
                }
                if (kind == IOD__KIND__KIND_UNKNOWN)
                        return error_set(EINVAL,
                                         "nothing that happens is of kind \"%s\": session, "
                                         "refusal, failure, listener, worker, delivery, outage, "
                                         "policy or wait",
                                         word);
                monitor->kinds[monitor->n_kinds++] = kind;
        }
        monitor->waits_alone =
                *wants_waits && command_line->argument_count > 0 && monitor->n_kinds == 0;
        return 0;
}

/* What cannot be written is said by main(). */
static ExitCode flush(ExitCode code)
{
        if (fflush(stdout) == 0 || code != EXIT_CODE_OK)
                return code;
        error_set(EIO, "%s", "");
        return EXIT_CODE_FAILED;
}

/* ---- The daemon ------------------------------------------------------------------------------ */

static ExitCode subscribe(Monitor *monitor)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Subscribe body = IOD__SUBSCRIBE__INIT;
        Iod__Frame *reply;
        ExitCode code;

        code = query_open(&monitor->query, monitor->command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        body.n_kind = monitor->n_kinds;
        body.kind = monitor->kinds;
        request.body_case = IOD__FRAME__BODY_SUBSCRIBE;
        request.subscribe = &body;
        code = query_ask(&monitor->query, &request, IOD__FRAME__BODY_DONE, &reply);
        if (code != EXIT_CODE_OK)
                query_close(&monitor->query);
        return code;
}

/* The connection has ended, or the daemon says why it ends it: error_text(). */
static ExitCode lose(Monitor *monitor)
{
        char text[ERROR_TEXT_MAX];

        query_close(&monitor->query);
        query_close(&monitor->asking);
        monitor->look_ms = clock_now_ms() + AWAY_LOOK_MS;
        snprintf(text, sizeof(text), "is away: %.300s", error_text());
        return happening_text_write_outage(&monitor->out, "away", text);
}

/* Whether it may be better in a moment: not if it does not know the request, or denies it. */
static bool is_outage(const Monitor *monitor, ExitCode code)
{
        return code == EXIT_CODE_UNREACHABLE ||
               (code == EXIT_CODE_FAILED && monitor->query.refusal == 0);
}

/* Looks whether it is back. */
static ExitCode look(Monitor *monitor)
{
        char text[ERROR_TEXT_MAX];
        ExitCode code = subscribe(monitor);

        if (is_outage(monitor, code)) {
                monitor->look_ms = clock_now_ms() + AWAY_LOOK_MS;
                return EXIT_CODE_OK;
        }
        if (code != EXIT_CODE_OK)
                return code;
        snprintf(text, sizeof(text), "is back: release %s", monitor->query.connection.release);
        return happening_text_write_outage(&monitor->out, "back", text);
}

static ExitCode write_happened(Monitor *monitor, const Iod__Happened *happened)
{
        ExitCode code = EXIT_CODE_OK;

        if (happened->lost > 0)
                code = happening_text_write_lost(&monitor->out, happened->lost);
        for (size_t i = 0; i < happened->n_happening && code == EXIT_CODE_OK; i++) {
                const Iod__Happening *happening = happened->happening[i];

                /* kyronctl leaves itself out. */
                if (happening->session == 0 || happening->session != monitor->own_session)
                        code = happening_text_write(&monitor->out, happening);
        }
        return code;
}

static ExitCode take_frame(Monitor *monitor)
{
        Iod__Frame *frame;
        ExitCode code = query_take_frame(&monitor->query, &frame);

        if (code == EXIT_CODE_UNREACHABLE)
                return lose(monitor);
        if (code != EXIT_CODE_OK)
                return code;
        if (frame->body_case == IOD__FRAME__BODY_HAPPENED)
                return write_happened(monitor, frame->happened);
        if (frame->body_case == IOD__FRAME__BODY_REFUSED && frame->refused->session_ends) {
                error_set(frame->refused->error, "%s", frame->refused->text);
                return lose(monitor);
        }
        return query_nonsense(&monitor->query, frame_body_name(frame->body_case));
}

/* ---- The waits ------------------------------------------------------------------------------- */

/* Without a daemon they are looked at, too. */
static ExitCode look_at_waits(Monitor *monitor)
{
        Query *asking = &monitor->asking;
        ExitCode code;

        if (asking->connection.fd < 0 && is_connected(monitor) &&
            query_open(asking, monitor->command_line->socket_path) == EXIT_CODE_OK)
                monitor->own_session = asking->connection.session;
        code = wait_watch_look(monitor->waits, asking->connection.fd >= 0 ? asking : NULL,
                               &monitor->out);
        monitor->waits_ms = clock_now_ms() + WAITS_LOOK_MS;
        return code;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static int time_left(const Monitor *monitor, uint64_t now)
{
        uint64_t next = now + LONGEST_WAIT_MS;

        if (!is_connected(monitor) && !monitor->waits_alone && monitor->look_ms < next)
                next = monitor->look_ms;
        if (monitor->waits && monitor->waits_ms < next)
                next = monitor->waits_ms;
        if (monitor->end_ms > 0 && monitor->end_ms < next)
                next = monitor->end_ms;
        return next > now ? (int)(next - now) : 0;
}

/* What comes next. */
static ExitCode wait_and_do(Monitor *monitor)
{
        struct pollfd fds[] = {
                {.fd = monitor->query.connection.fd, .events = POLLIN},
                {.fd = monitor->interrupt_fd, .events = POLLIN},
                {.fd = STDOUT_FILENO}, /* nobody reads any more */
        };
        uint64_t now = clock_now_ms();
        int n = poll(fds, sizeof(fds) / sizeof(fds[0]), time_left(monitor, now));

        if (n < 0 && errno != EINTR) {
                error_set(errno, "poll: %s", strerror(errno));
                return EXIT_CODE_FAILED;
        }
        if (n > 0 && fds[1].revents) {
                error_set(EINTR, "%s", ""); /* no failure */
                return EXIT_CODE_INTERRUPTED;
        }
        now = clock_now_ms();
        monitor->ends = (n > 0 && fds[2].revents & (POLLERR | POLLHUP)) ||
                        (monitor->end_ms > 0 && now >= monitor->end_ms);
        if (monitor->ends)
                return EXIT_CODE_OK;
        if (n > 0 && fds[0].revents)
                return flush(take_frame(monitor));
        if (!is_connected(monitor) && !monitor->waits_alone && now >= monitor->look_ms)
                return flush(look(monitor));
        if (monitor->waits && now >= monitor->waits_ms)
                return flush(look_at_waits(monitor));
        return EXIT_CODE_OK;
}

ExitCode verb_monitor(const CommandLine *command_line)
{
        Monitor monitor = {
                .command_line = command_line,
                .query.connection.fd = -1,
                .asking.connection.fd = -1,
                .out.json = command_line->json,
                .interrupt_fd = -1,
        };
        bool wants_waits;
        ExitCode code = EXIT_CODE_OK;

        if (read_kinds(&monitor, command_line, &wants_waits) < 0)
                return EXIT_CODE_USAGE;
        if (command_line->timeout_s > 0)
                monitor.end_ms = clock_now_ms() + command_line->timeout_s * 1000;
        if (!monitor.waits_alone)
                code = subscribe(&monitor);
        if (code == EXIT_CODE_OK && wants_waits)
                code = wait_watch_open(&monitor.waits, command_line);
        monitor.waits_ms = clock_now_ms() + WAITS_LOOK_MS;
        if (code == EXIT_CODE_OK && interrupt_catch(&monitor.interrupt_fd) < 0)
                code = EXIT_CODE_FAILED;
        while (code == EXIT_CODE_OK && !monitor.ends)
                code = wait_and_do(&monitor);
        wait_watch_close(monitor.waits);
        query_close(&monitor.asking);
        query_close(&monitor.query);
        cleanup_close(&monitor.interrupt_fd);
        return code;
}
