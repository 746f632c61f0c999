/* A program in another one's place. See takeover.h. */
#include "daemon/restart/takeover.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/restart/handover_answer.h"
#include "daemon/restart/handover_execute.h"
#include "daemon/restart/handover_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Whether there is a program to go back to. */
static bool may_go_back = true;

int takeover_find_state(void)
{
        const char *text = getenv(HANDOVER_VARIABLE);
        uint32_t fd = 0;
        int r = text ? options_read_number(HANDOVER_VARIABLE, text, 0, INT32_MAX, &fd) : -ENOENT;

        may_go_back = !getenv(HANDOVER_RETURNED);
        unsetenv(HANDOVER_VARIABLE);
        unsetenv(HANDOVER_RETURNED);
        if (r < 0)
                return -1;
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        /* Executed by its descriptor it would be named by that number. */
        prctl(PR_SET_NAME, program_invocation_short_name);
        return (int)fd;
}

/* ---- --check-state ------------------------------------------------------------------------- */

int takeover_check(const Options *options)
{
        State__State *state;
        Config *config;
        int r = handover_state_read(options->check_state, &state);

        if (r < 0)
                return r;
        r = config_load(&config, options->config_path, options->config_given, options->user);
        if (r == 0)
                config_free(config);
        handover_answer(state, r == 0 ? "" : error_text());
        state__state__free_unpacked(state, NULL);
        return r;
}

/* ---- Taking -------------------------------------------------------------------------------- */

/* A number of its own for it, and a low one, since this program's limit of open files may be a
 * lower one. Where there is none, it keeps its number, and there is no way back. */
static int take(int *fd)
{
        int own = *fd < 0 ? -1 : fcntl(*fd, F_DUPFD_CLOEXEC, 3);

        if (own >= 0 || *fd < 0)
                return own;
        may_go_back = false;
        fcntl(*fd, F_SETFD, FD_CLOEXEC);
        return STEAL_FD(*fd);
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

int takeover_begin(Takeover *takeover, Daemon *daemon, OwnedList *list)
{
        State__State *state;
        State__Socket *socket;
        int r = handover_state_read(daemon->options->state_fd, &state);

        TAILQ_INIT(list);
        if (r < 0)
                return r;
        takeover->state = state;
        socket = state->socket;
        daemon_socket_adopt(&daemon->socket, take(&socket->fd), socket->path,
                            socket->made_directory, (dev_t)socket->device, (ino_t)socket->inode);
        /* All of it, so that it is the list's to close if there is a mistake in it. */
        for (size_t i = 0; i < state->n_owned; i++) {
                State__Owned *owned = state->owned[i];
                const StoredName name = name_of(owned);
                int fd = take(&owned->fd), note_fd = take(&owned->note_fd);
                int added =
                        owned_add(list, name, owned->stored, fd, note_fd, STEAL_PTR(owned->record));

                if (added < 0)
                        r = added;
        }
        return r;
}

void takeover_settle(Takeover *takeover, Daemon *daemon)
{
        State__State *state = STEAL_PTR(takeover->state);

        if (!state)
                return;
        cleanup_close(&state->socket->fd);
        for (size_t i = 0; i < state->n_owned; i++) {
                /* Perhaps there is no other any more: it was given up. */
                owned_close(daemon, state->owned[i]->fd);
                owned_close(daemon, state->owned[i]->note_fd);
        }
        owned_close_end();
        if (state->former)
                cleanup_close(&state->former->fd);
        state__state__free_unpacked(state, NULL);
        close(STEAL_FD(daemon->options->state_fd));
}

/* ---- Going back ---------------------------------------------------------------------------- */

/* Returns only if it could not be executed. */
static void execute_former(const State__State *state, int borrow_state_fd)
{
        const State__Former *former = state->former;
        CLEANUP(cleanup_free) char **argv = calloc(former->n_argument + 1, sizeof(*argv));

        if (!argv || former->n_argument == 0 || setenv(HANDOVER_RETURNED, "1", 1) < 0)
                return;
        memcpy(argv, former->argument, former->n_argument * sizeof(*argv));
        handover_state_inherit(state, true);
        if (handover_execute(former->fd, NULL, argv, borrow_state_fd) < 0)
                log_daemon(LOG_ERR, "the program before cannot be executed again: %s",
                           error_text());
}

void takeover_go_back(Options *options)
{
        State__State *state;
        char why[ERROR_TEXT_MAX];

        if (options->state_fd < 0)
                return;
        strcpy(why, error_text());
        log_daemon(LOG_ERR, "not taken over: %s", why);
        if (!may_go_back || handover_state_read(options->state_fd, &state) < 0)
                return;
        if (state->former && state->former->fd >= 0) {
                log_daemon(LOG_NOTICE, "the program before goes on");
                execute_former(state, options->state_fd);
        }
        state__state__free_unpacked(state, NULL);
        error_set(ECANCELED, "%s", why);
}
