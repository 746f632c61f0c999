/* Another program in this process's place. See handover.h. */
#include "daemon/restart/handover.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/restart/handover_state.h"
#include "daemon/session/answer.h"
#include "daemon/session/session_life.h"
#include "daemon/store/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* Names the state's descriptor to the program. */
static const char variable[] = "KYRON_IOD_STATE";

enum { CHECKED_FD = 3, MORE_ARGUMENTS = 5, TELLING_TRIES = 20 };

/* ---- The program --------------------------------------------------------------------------- */

/* The arguments of this one, with the configuration's path as it was meant in the directory of
 * then; and up to two more. The array is the caller's. */
static char **make_arguments(const Options *options, const char *more, const char *value)
{
        size_t n = 0, count = 0;
        bool is_said;
        char **argv;

        while (options->argv[count])
                count++;
        argv = calloc(count + MORE_ARGUMENTS, sizeof(*argv));
        if (!argv)
                return NULL;
        argv[n++] = (char *)options->program_path;
        for (size_t i = 1; i < count; i++)
                argv[n++] = options->argv[i];
        is_said = !options->config_given ||
                  strcmp(options->argv[count - 1], options->config_path) == 0;
        if (!is_said) {
                argv[n++] = (char *)"--config";
                argv[n++] = (char *)options->config_path;
        }
        if (more) {
                argv[n++] = (char *)more;
                argv[n++] = (char *)value;
        }
        return argv;
}

/* Starts it with --check-state: its pid, or -errno with error_text(). */
static int start_checker(const Options *options, int borrow_state)
{
        CLEANUP(cleanup_free) char **argv = make_arguments(options, "--check-state", "3");
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        pid_t pid;
        int r;

        if (!argv)
                return error_set(ENOMEM, "no memory for its arguments");
        sigemptyset(&none);
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
        r = posix_spawn_file_actions_adddup2(&actions, borrow_state, CHECKED_FD);
        if (r == 0)
                r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
                r = posix_spawn(&pid, options->program_path, &actions, &attributes, argv, environ);
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
        return r == 0 ? pid : error_set(r, "%s: %s", options->program_path, strerror(r));
}

/* ---- Leaving ------------------------------------------------------------------------------- */

static void end_sessions(Daemon *daemon)
{
        Session *session;

        /* Without a word, as when the daemon dies: the client begins anew. */
        while ((session = TAILQ_FIRST(&daemon->sessions.list)))
                session_free(session);
}

static void ignore_signals(bool ignore)
{
        /* What is ignored stays so in the program, until it can take them. */
        static const int signals[] = {SIGHUP, SIGUSR2};
        static struct sigaction before[2];
        const struct sigaction action = {.sa_handler = SIG_IGN};

        for (size_t i = 0; i < 2; i++)
                sigaction(signals[i], ignore ? &action : &before[i], ignore ? &before[i] : NULL);
}

/* Returns only if it could not be executed: -errno with error_text(). */
static int execute(const Options *options, int borrow_state)
{
        CLEANUP(cleanup_free) char **argv = make_arguments(options, NULL, NULL);
        char number[16];
        int r;

        snprintf(number, sizeof(number), "%d", borrow_state);
        if (!argv || setenv(variable, number, 1) < 0)
                return error_set(ENOMEM, "no memory for its arguments");
        fcntl(borrow_state, F_SETFD, 0);
        ignore_signals(true);
        log_flush();
        execv(options->program_path, argv);
        r = error_set(errno, "%s: %s", options->program_path, strerror(errno));
        ignore_signals(false);
        fcntl(borrow_state, F_SETFD, FD_CLOEXEC);
        unsetenv(variable);
        return r;
}

/* Returns only if nothing has come of it: -errno with error_text(). */
static int leave(Daemon *daemon)
{
        CLEANUP(cleanup_close) int fd = -1;
        State__State *state;
        sigset_t termination, before;
        Session *session;
        int r;

        TAILQ_FOREACH(session, &daemon->sessions.list, link)
        answer_take_back(session);
        if (!notify_queue_flush(&daemon->notify))
                return error_set(EAGAIN, "systemd does not take what is to be stored");
        /* Before the sessions end: what was passed to them is theirs, and nobody else's. */
        fd = handover_state_make(daemon);
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
        /* Executing waits for threads that close, for as long as they like. */
        if (closer_settle(&daemon->closer, HANDOVER_CLOSE_MS)) {
                handover_state_inherit(state, true);
                r = execute(daemon->options, fd);
                handover_state_inherit(state, false);
        } else {
                r = error_set(EBUSY, "some clients' descriptors do not close");
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        state__state__free_unpacked(state, NULL);
        return r;
}

/* ---- Asking and checking ------------------------------------------------------------------- */

static void say_why_not(const char *why)
{
        log_daemon(LOG_ERR, "not handed over, this program goes on: %s", why);
}

static void forget_checker(Handover *handover)
{
        handover->checked = loop_event_free(handover->checked);
        cleanup_close(&handover->checker_fd);
        handover->checker_fd = -1;
}

/* As soon as systemd has been told everything. */
static void on_may_leave(evutil_socket_t fd, short what, void *data)
{
        const struct timeval moment = {.tv_usec = HANDOVER_TOLD_MS * 1000 / TELLING_TRIES};
        Handover *handover = data;

        (void)fd;
        (void)what;
        if (!notify_queue_flush(&handover->daemon->notify) && handover->telling_tries-- > 0 &&
            loop_event_add(handover->may_leave, &moment) == 0)
                return;
        if (leave(handover->daemon) < 0)
                say_why_not(error_text());
}

static void on_checked(evutil_socket_t fd, short what, void *data)
{
        Handover *handover = data;
        int status = 0;

        (void)fd;
        if (what & EV_TIMEOUT)
                kill(handover->checker_pid, SIGKILL);
        /* It has ended, or does so at once. */
        while (waitpid(handover->checker_pid, &status, 0) < 0 && errno == EINTR)
                ;
        forget_checker(handover);
        if (what & EV_TIMEOUT)
                say_why_not("the program does not answer --check-state");
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                say_why_not("the program does not take this state");
        else {
                handover->telling_tries = TELLING_TRIES;
                on_may_leave(-1, 0, handover);
        }
}

/* 0, or -errno with error_text(). */
static int begin_checking(Handover *handover)
{
        Daemon *daemon = handover->daemon;
        const struct timeval limit = {.tv_sec = HANDOVER_CHECK_SECONDS};
        CLEANUP(cleanup_close) int state = handover_state_make(daemon);

        if (state < 0)
                return state;
        handover->checker_pid = start_checker(daemon->options, state);
        if (handover->checker_pid < 0)
                return handover->checker_pid;
        handover->checker_fd = pidfd_open(handover->checker_pid, 0);
        if (handover->checker_fd >= 0)
                handover->checked = loop_event_new(&daemon->loop, handover->checker_fd, EV_READ,
                                                   on_checked, handover);
        if (handover->checked && loop_event_add(handover->checked, &limit) == 0)
                return 0;
        kill(handover->checker_pid, SIGKILL);
        waitpid(handover->checker_pid, NULL, 0);
        forget_checker(handover);
        return error_set(ENOSYS, "the program that checks cannot be waited for");
}

static void on_asked(evutil_socket_t signal_number, short what, void *data)
{
        Handover *handover = data;

        (void)signal_number;
        (void)what;
        if (handover->checker_fd >= 0 || loop_event_is_added(handover->may_leave))
                return; /* it is under way */
        log_daemon(LOG_NOTICE, "handing over to %s", handover->daemon->options->program_path);
        if (begin_checking(handover) < 0)
                say_why_not(error_text());
}

int handover_init(Handover *handover, Daemon *daemon)
{
        handover->daemon = daemon;
        handover->checker_fd = -1;
        handover->asked =
                loop_event_new(&daemon->loop, SIGUSR2, EV_SIGNAL | EV_PERSIST, on_asked, handover);
        handover->may_leave = loop_timer_new(&daemon->loop, on_may_leave, handover);
        return handover->asked && handover->may_leave && loop_event_add(handover->asked, NULL) == 0
                       ? 0
                       : error_set(ENOMEM, "no memory for the loop's events");
}

void handover_deinit(Handover *handover)
{
        if (!handover->asked)
                return;
        handover->asked = loop_event_free(handover->asked);
        handover->may_leave = loop_event_free(handover->may_leave);
        if (handover->checker_fd < 0)
                return;
        kill(handover->checker_pid, SIGKILL);
        waitpid(handover->checker_pid, NULL, 0);
        forget_checker(handover);
}

/* ---- The program's side -------------------------------------------------------------------- */

int handover_check(const Options *options)
{
        State__State *state;
        Config *config;
        int r = handover_state_read(options->check_state, &state);

        if (r < 0)
                return r;
        state__state__free_unpacked(state, NULL);
        r = config_load(&config, options->config_path, options->config_given, options->user);
        if (r == 0)
                config_free(config);
        return r;
}

bool handover_has_state(void)
{
        return getenv(variable) != NULL;
}

void handover_find_state(Options *options)
{
        const char *text = getenv(variable);
        uint32_t fd;

        if (text && options_read_number(variable, text, 0, INT32_MAX, &fd) == 0)
                options->state_fd = (int)fd;
        unsetenv(variable);
        if (options->state_fd >= 0)
                fcntl(options->state_fd, F_SETFD, FD_CLOEXEC);
}

/* On a low number, since this program's limit of open files may be a lower one. */
static int take_low(int fd)
{
        int low = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

        if (low < 0)
                return fd;
        close(fd); /* not the last that has it */
        return low;
}

static StoredName name_of(const State__Owned *owned)
{
        const State__Record *record = owned->record;
        StoredName name = {.number = owned->number};

        switch (record->body_case) {
        case STATE__RECORD__BODY_LISTENER:
                name.kind = STORED_LISTENER;
                break;
        case STATE__RECORD__BODY_HOLD:
                name.kind = STORED_HOLD;
                break;
        default:
                name.kind = record->connection->again ? STORED_RETURNED : STORED_CONNECTION;
                name.listener = record->connection->listener;
                break;
        }
        return name;
}

int handover_take(Daemon *daemon, OwnedList *list)
{
        State__State *state;
        int r = handover_state_read(daemon->options->state_fd, &state);

        TAILQ_INIT(list);
        if (r < 0)
                return r;
        state->socket->fd = take_low(state->socket->fd);
        daemon_socket_adopt(&daemon->socket, state->socket->fd, state->socket->path,
                            state->socket->made_directory, (dev_t)state->socket->device,
                            (ino_t)state->socket->inode);
        /* All of it, so that it is the list's to close if there is a mistake in it. */
        for (size_t i = 0; i < state->n_owned; i++) {
                State__Owned *owned = state->owned[i];
                int added = owned_add(list, name_of(owned), owned->stored, take_low(owned->fd),
                                      take_low(owned->note_fd), owned->record);

                if (added < 0)
                        r = added;
                owned->record = NULL;
        }
        state__state__free_unpacked(state, NULL);
        close(STEAL_FD(daemon->options->state_fd));
        return r;
}
