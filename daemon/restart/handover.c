/* Another program in this process's place. See handover.h. */
#include "daemon/restart/handover.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/hold/hold_store.h"
#include "daemon/process/log.h"
#include "daemon/restart/handover_answer.h"
#include "daemon/restart/handover_state.h"
#include "daemon/session/answer.h"
#include "daemon/session/session_life.h"
#include "daemon/session/subscription.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

enum { MOMENT_MS = 100 };

/* ---- Leaving ------------------------------------------------------------------------------- */

static void end_sessions(Daemon *daemon)
{
        Session *session;

        subscriptions_tell_last(&daemon->sessions, IOD__WHAT__DAEMON_HANDED_OVER,
                                "another program takes over");
        /* Without a word, as when the daemon dies: the client begins anew. */
        while ((session = TAILQ_FIRST(&daemon->sessions.list)))
                session_free(session);
}

static int refuse_for_closing(void)
{
        return error_set(EBUSY, "some clients' descriptors do not close");
}

/* Executing waits for threads that close, or that ask a name service, for as long as they like: so
 * none of these begins any more. Whether those that have begun are over, or soon will be. */
static bool are_threads_done(Daemon *daemon)
{
        return blocking_pool_pause(daemon->blocking, 0) && !closer_is_stuck(&daemon->closer);
}

/* 0, or -EBUSY with error_text(). */
static int check_threads(Daemon *daemon)
{
        if (!blocking_pool_pause(daemon->blocking, 0))
                return error_set(EBUSY, "some names or paths are waited for and do not answer");
        return closer_is_stuck(&daemon->closer) ? refuse_for_closing() : 0;
}

/* Returns only if nothing has come of it: -errno with error_text(). */
static int execute(Handover *handover, int borrow_state_fd)
{
        /* What the sessions have left. */
        if (!closer_settle(&handover->daemon->closer, HANDOVER_CLOSE_MS))
                return refuse_for_closing();
        return successor_execute(handover->successor, borrow_state_fd);
}

/* The state, with this program to go back to: the descriptor, or -errno with error_text(). */
static int make_state(Daemon *daemon, int borrow_program_fd)
{
        CLEANUP(cleanup_free) char **argv = successor_arguments(daemon->options, NULL, NULL);
        State__Former former = STATE__FORMER__INIT;

        if (!argv)
                return error_set(ENOMEM, "no memory for the state");
        former.fd = borrow_program_fd;
        former.argument = argv;
        while (argv[former.n_argument])
                former.n_argument++;
        return handover_state_make(daemon, NULL, &former);
}

/* Returns only if nothing has come of it: -errno with error_text(). */
static int leave(Handover *handover)
{
        Daemon *daemon = handover->daemon;
        /* Not its path, where the next program may be; without /proc, there is no way back. */
        CLEANUP(cleanup_close) int program_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
        CLEANUP(cleanup_close) int fd = -1;
        State__State *state;
        sigset_t termination, before;
        Session *session;
        int r;

        if (!log_flush())
                return error_set(EBUSY, "the log goes to a file that does not answer");
        r = check_threads(daemon);
        if (r < 0)
                return r;
        TAILQ_FOREACH(session, &daemon->sessions.list, link)
        answer_take_back(session);
        hold_store_all(&daemon->holds);
        if (!notify_queue_flush(&daemon->notify))
                return error_set(EAGAIN, "systemd does not take what is to be stored");
        /* Before the sessions end: what was passed to them is theirs, and nobody else's. */
        fd = make_state(daemon, program_fd);
        if (fd < 0)
                return fd;
        r = handover_state_read(fd, &state);
        if (r < 0)
                return r;
        sigemptyset(&termination);
        sigaddset(&termination, SIGTERM);
        sigaddset(&termination, SIGINT);
        pthread_sigmask(SIG_BLOCK, &termination, &before);
        end_sessions(daemon);
        handover_state_inherit(state, true);
        r = execute(handover, fd);
        handover_state_inherit(state, false);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        state__state__free_unpacked(state, NULL);
        return r;
}

/* ---- Asking -------------------------------------------------------------------------------- */

static void say_why_not(const char *why)
{
        log_daemon(LOG_ERR, "not handed over, this program goes on: %s", why);
}

static void be_idle(Handover *handover)
{
        handover->ended = loop_event_free(handover->ended);
        handover->successor = successor_forget(handover->successor);
        cleanup_close(&handover->answer_fd);
        handover->answer_fd = -1;
        if (handover->limit)
                loop_event_del(handover->limit);
        if (handover->may_leave)
                loop_event_del(handover->may_leave);
        if (handover->stage == HANDOVER_SETTLING)
                blocking_pool_resume(handover->daemon->blocking);
        handover->stage = HANDOVER_IDLE;
}

static void on_limit(evutil_socket_t fd, short what, void *data)
{
        Handover *handover = data;

        (void)fd;
        (void)what;
        error_set(ETIMEDOUT, "%s %s within %d seconds", handover->daemon->options->program_path,
                  handover->stage == HANDOVER_FINDING ? "was not found and started"
                                                      : "has not said whether it takes over",
                  HANDOVER_CHECK_SECONDS);
        say_why_not(error_text());
        if (handover->stage == HANDOVER_ASKING)
                successor_kill(handover->successor);
        handover->stage = HANDOVER_ENDING;
}

static void end_asking(Handover *handover);

/* After its end: 0, or -errno with error_text(). */
static int hear_answer(Handover *handover)
{
        char ended[ERROR_TEXT_MAX];
        int r = successor_reap(handover->successor), said;

        strcpy(ended, error_text());
        said = handover_answer_check(handover->answer_fd, &handover->question,
                                     handover->daemon->options->program_path);
        /* Who says no ends with a failure, too. */
        return r < 0 && said != -EPROTO ? error_set(-r, "%s", ended) : said;
}

/* Whether it is asked again. */
static bool wait_a_moment(Handover *handover)
{
        const struct timeval moment = {.tv_usec = MOMENT_MS * 1000};

        return handover->moments-- > 0 && loop_event_add(handover->may_leave, &moment) == 0;
}

static void begin_stage(Handover *handover, HandoverStage stage, int ms)
{
        handover->stage = stage;
        handover->moments = ms / MOMENT_MS;
}

/* As soon as systemd has been told everything, and nobody waits for what may not end: while its
 * sessions are there. */
static void on_may_leave(evutil_socket_t fd, short what, void *data)
{
        Handover *handover = data;
        Daemon *daemon = handover->daemon;

        (void)fd;
        (void)what;
        if (handover->stage == HANDOVER_TELLING) {
                if (!notify_queue_flush(&daemon->notify) && wait_a_moment(handover))
                        return;
                begin_stage(handover, HANDOVER_SETTLING, HANDOVER_CLOSE_MS);
        }
        if (!are_threads_done(daemon) && wait_a_moment(handover))
                return;
        if (successor_check(handover->successor) < 0 || leave(handover) < 0)
                say_why_not(error_text());
        end_asking(handover);
}

static void on_ended(evutil_socket_t fd, short what, void *data)
{
        Handover *handover = data;

        (void)fd;
        (void)what;
        if (handover->stage == HANDOVER_ASKING && hear_answer(handover) == 0) {
                loop_event_del(handover->limit);
                begin_stage(handover, HANDOVER_TELLING, HANDOVER_TOLD_MS);
                on_may_leave(-1, 0, handover);
                return;
        }
        if (handover->stage == HANDOVER_ENDING)
                successor_reap(handover->successor);
        else
                say_why_not(error_text());
        end_asking(handover);
}

/* It runs, or it cannot. */
static void on_started(Successor *successor, void *data)
{
        Handover *handover = data;
        bool given_up = handover->stage == HANDOVER_ENDING;

        if (successor->error < 0) {
                if (!given_up)
                        say_why_not(successor->why);
                end_asking(handover);
                return;
        }
        handover->ended = loop_event_new(&handover->daemon->loop, successor->process_fd, EV_READ,
                                         on_ended, handover);
        if (!handover->ended || loop_event_add(handover->ended, NULL) < 0) {
                if (!given_up)
                        say_why_not("no memory to wait for the program that is asked");
                end_asking(handover);
                return;
        }
        if (given_up)
                successor_kill(successor);
        else
                handover->stage = HANDOVER_ASKING;
}

/* 0, or -errno with error_text(). */
static int begin(Handover *handover)
{
        Daemon *daemon = handover->daemon;
        const struct timeval limit = {.tv_sec = HANDOVER_CHECK_SECONDS};
        int r = handover_question_make(&handover->question), ends[2], state;

        if (r < 0)
                return r;
        state = handover_state_make(daemon, &handover->question, NULL);
        if (state < 0)
                return state;
        /* What was written is read after its end: nobody waits for the pipe. */
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
                r = error_set(errno, "no pipe for the answer: %s", strerror(errno));
                close(state);
                return r;
        }
        handover->answer_fd = ends[0];
        r = successor_ask(&handover->successor, daemon->blocking, daemon->options, state, ends[1],
                          on_started, handover);
        if (r == 0 && loop_event_add(handover->limit, &limit) < 0)
                r = error_set(ENOMEM, "no memory for the loop's events");
        return r;
}

static void ask(Handover *handover)
{
        log_daemon(LOG_NOTICE, "handing over to %s", handover->daemon->options->program_path);
        handover->stage = HANDOVER_FINDING;
        if (begin(handover) == 0)
                return;
        say_why_not(error_text());
        be_idle(handover);
}

/* Nothing has come of it, or this program would be no more. */
static void end_asking(Handover *handover)
{
        be_idle(handover);
        if (!handover->again)
                return;
        handover->again = false;
        ask(handover);
}

static void on_asked(evutil_socket_t signal_number, short what, void *data)
{
        Handover *handover = data;

        (void)signal_number;
        (void)what;
        if (handover->stage == HANDOVER_IDLE)
                ask(handover);
        else
                handover->again = true;
}

int handover_init(Handover *handover, Daemon *daemon)
{
        handover->daemon = daemon;
        handover->answer_fd = -1;
        handover->limit = loop_timer_new(&daemon->loop, on_limit, handover);
        handover->may_leave = loop_timer_new(&daemon->loop, on_may_leave, handover);
        handover->asked =
                loop_event_new(&daemon->loop, SIGUSR2, EV_SIGNAL | EV_PERSIST, on_asked, handover);
        return handover->limit && handover->may_leave && handover->asked &&
                               loop_event_add(handover->asked, NULL) == 0
                       ? 0
                       : error_set(ENOMEM, "no memory for the loop's events");
}

void handover_deinit(Handover *handover)
{
        if (!handover->daemon)
                return;
        be_idle(handover);
        handover->asked = loop_event_free(handover->asked);
        handover->limit = loop_event_free(handover->limit);
        handover->may_leave = loop_event_free(handover->may_leave);
}
