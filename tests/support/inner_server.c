/* The daemon's server inside the test. See inner_server.h. */
#include "tests/support/inner_server.h"

#include "daemon/listen/path_task.h"
#include "daemon/process/log.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

InnerServer inner;

void inner_server_prepare(void)
{
        int exit_code;

        unsetenv("LISTEN_FDS");
        unsetenv("NOTIFY_SOCKET");
        unsetenv("WATCHDOG_USEC");
        signal(SIGPIPE, SIG_IGN);
        log_open(LOG_ERR);
        inner.directory = make_temp_dir();
        ck_assert_int_eq(chmod(inner.directory, 0755), 0);
        ck_assert(options_parse(&inner.options, 1, (char *[]){(char *)"kyron-iod", NULL},
                                &exit_code));
        ck_assert_int_lt(snprintf(inner.options.socket_path, sizeof(inner.options.socket_path),
                                  "%s/socket", inner.directory),
                         (int)sizeof(inner.options.socket_path));
}

/* Whoever runs the test may do everything on 127.0.0.1. */
static void allow_oneself(Policy *policy)
{
        PolicyRule *rule;

        ck_assert_int_eq(policy_add_rule(policy, POLICY_USER, getuid(), "user:tester", &rule), 0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_LISTEN, "tcp:127.0.0.1:*"), 0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_CONNECT, "tcp:127.0.0.1:*"), 0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_BIND, "udp:127.0.0.1:*"), 0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_HOLD, "*"), 0);
        policy_rule_set_limit(rule, POLICY_HOLDS, 1000);
}

Config *inner_server_config(void)
{
        Config *config;

        ck_assert_int_eq(config_load(&config, "", false, false), 0);
        /* What a test has changed in the options counts. */
        inner.options.given = UINT_MAX;
        config_settle(config, &inner.options);
        allow_oneself(config->policy);
        return config;
}

void inner_server_open_with(Config *take_config)
{
        ck_assert_msg(server_open(&inner.server, &inner.options, take_config) == 0, "%s",
                      error_text());
        inner.daemon = &inner.server->daemon;
}

void inner_server_open(void)
{
        inner_server_open_with(inner_server_config());
}

void inner_server_set_up(void)
{
        inner_server_prepare();
        inner_server_open();
}

void inner_server_tear_down(void)
{
        /* Asserts by itself that every charge was given back. */
        if (inner.server)
                inner.server = server_close(inner.server);
        ck_assert_int_eq(access(inner.options.socket_path, F_OK), -1);
        remove_temp_dir(inner.directory);
}

void inner_server_turn(void)
{
        event_base_loop(inner.daemon->loop.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        time_shares_renew(&inner.daemon->sessions.shares);
}

static bool has_path_tasks(void)
{
        const Listeners *listeners = &inner.daemon->listeners;

        return !inner.paths_hang &&
               (!LIST_EMPTY(&listeners->openings) || !LIST_EMPTY(&listeners->removals));
}

void inner_server_settle(void)
{
        bool again;

        do {
                event_base_loop(inner.daemon->loop.base, EVLOOP_NONBLOCK);
                time_shares_renew(&inner.daemon->sessions.shares);
                again = has_path_tasks();
                if (again)
                        path_tasks_settle(&inner.daemon->listeners, DEADLINE_MS);
        } while (again);
}

static bool closer_is_idle(void)
{
        Closer *closer = &inner.daemon->closer;
        bool is_idle;

        pthread_mutex_lock(&closer->lock);
        is_idle = closer->open == 0;
        pthread_mutex_unlock(&closer->lock);
        return is_idle;
}

void inner_server_await_closer(void)
{
        ck_assert(WAIT_UNTIL(closer_is_idle(), DEADLINE_MS));
}

Session *inner_server_connect(RawClient *client)
{
        uint64_t before = inner.daemon->sessions.total;

        raw_client_connect(client, inner.options.socket_path);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.total, before + 1);
        return TAILQ_LAST(&inner.daemon->sessions.list, SessionList);
}

Session *inner_server_open_session(RawClient *client)
{
        Session *session = inner_server_connect(client);

        raw_client_hello(client, 1, "test");
        inner_server_expect(client, IOD__FRAME__BODY_WELCOME);
        ck_assert(session->open);
        return session;
}

void inner_server_close_client(RawClient *client)
{
        raw_client_close(client);
        inner_server_settle();
}

Iod__Frame *inner_server_next(RawClient *client)
{
        inner_server_settle();
        return wait_readable(client->socket_fd, 0) ? raw_client_receive(client) : NULL;
}

Iod__Frame *inner_server_expect(RawClient *client, Iod__Frame__BodyCase body)
{
        Iod__Frame *frame = inner_server_next(client);

        ck_assert_msg(frame != NULL, "nothing came, not %s", frame_body_name(body));
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body),
                      frame->body_case == IOD__FRAME__BODY_REFUSED ? frame->refused->text : "");
        return frame;
}

static const Iod__Refused *expect_refused(RawClient *client, uint32_t sequence, int error,
                                          const char *sentence)
{
        const Iod__Frame *frame = inner_server_expect(client, IOD__FRAME__BODY_REFUSED);

        ck_assert_str_eq(frame->refused->text, sentence);
        ck_assert_int_eq(frame->refused->error, error);
        ck_assert_uint_eq(frame->refused->n_source, 0);
        ck_assert_uint_eq(frame->sequence, sequence);
        return frame->refused;
}

void inner_server_expect_refused(RawClient *client, uint32_t sequence, int error,
                                 const char *sentence)
{
        ck_assert(!expect_refused(client, sequence, error, sentence)->session_ends);
}

void inner_server_expect_goodbye(RawClient *client, uint32_t sequence, int error,
                                 const char *sentence)
{
        ck_assert(expect_refused(client, sequence, error, sentence)->session_ends);
        inner_server_expect_end(client);
}

void inner_server_expect_end(RawClient *client)
{
        inner_server_settle();
        /* The closer's thread closes the socket. */
        ck_assert_ptr_null(raw_client_receive(client));
}

int inner_server_add_pipe(RawClient *client, uint32_t slot, uint32_t generation, int *reader)
{
        uint64_t source = raw_source(slot, generation, READINESS_READABLE);
        int pipe[2];

        pipe_pair(pipe);
        raw_client_add(client, 0, &source, &pipe[0], 1);
        inner_server_settle();
        if (reader)
                *reader = pipe[0];
        return pipe[1];
}
