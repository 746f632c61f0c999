/*
 * daemon/reload: what changed is put in force and told, what stayed goes on as it was, and a
 * configuration with a mistake changes nothing.
 */
#include "daemon/restart/reload.h"

#include "core/cleanup.h"
#include "daemon/config/authorise.h"
#include "daemon/process/log.h"
#include "tests/support/capture.h"
#include "tests/support/deadline.h"
#include "tests/support/sharing_scene.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static char path[OPTIONS_PATH_MAX];
static size_t told;

static void write_config(const char *format, const char *address)
{
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_gt(fprintf(file, format, address), 0);
        ck_assert_int_eq(fclose(file), 0);
}

typedef struct Waiting {
        ReloadAsker asker;
        bool is_done;
        int result;
        char why[ERROR_TEXT_MAX];
} Waiting;

static void on_done(ReloadAsker *asker, int r, const ReloadChanges *changes)
{
        Waiting *waiting = (Waiting *)asker;

        ck_assert(!waiting->is_done);
        waiting->is_done = true;
        waiting->result = r;
        snprintf(waiting->why, sizeof(waiting->why), "%s", r < 0 ? error_text() : "");
        told = r == 0 ? changes->count : 0;
        for (size_t i = 0; i < told; i++)
                ck_assert_str_ne(changes->texts[i], "");
}

static void ask(Waiting *waiting)
{
        *waiting = (Waiting){.asker.done = on_done};
        ck_assert_msg(reload_ask(inner.daemon, &waiting->asker) == 0, "%s", error_text());
        ck_assert(!waiting->is_done);
}

static bool is_done(const Waiting *waiting)
{
        inner_server_settle();
        return waiting->is_done;
}

static int await(Waiting *waiting)
{
        ck_assert(WAIT_UNTIL(is_done(waiting), DEADLINE_MS));
        return waiting->result < 0 ? error_set(-waiting->result, "%s", waiting->why) : 0;
}

static int reload_now(void)
{
        Waiting waiting;

        ask(&waiting);
        return await(&waiting);
}

static void set_up(void)
{
        sharing_scene_prepare();
        snprintf(path, sizeof(path), "%.80s/iod.conf", inner.directory);
        strcpy(inner.options.config_path, path);
        log_open(LOG_CRIT); /* mistakes are made on purpose */
        write_config("# nothing%s\n", "");
        sharing_scene_open();
}

static const char one_listener[] = "listener \"site\" { address = \"%s\" }\n";

START_TEST(a_listener_that_is_new_is_opened_and_one_that_is_gone_is_closed)
{
        write_config(one_listener, "tcp:127.0.0.1:0");
        ck_assert_msg(reload_now() == 0, "%s", error_text());
        ck_assert_uint_gt(told, 0);
        ck_assert_ptr_nonnull(listener_find_configured(&inner.daemon->listeners, "site"));
        write_config("# nothing%s\n", "");
        ck_assert_int_eq(reload_now(), 0);
        ck_assert_uint_eq(told, 1);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        ck_assert_int_eq(reload_now(), 0);
        ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(one_that_stays_keeps_its_socket_and_its_workers)
{
        Listener *listener;
        int fd;

        write_config(one_listener, "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), 0);
        listener = listener_find_configured(&inner.daemon->listeners, "site");
        fd = listener->fd;
        scene_open(0)->sees_all = true;
        ck_assert_int_eq(worker_join(&listener->group, TAILQ_FIRST(&inner.daemon->sessions.list),
                                     false, &(Worker *){NULL}),
                         0);
        write_config("listener \"site\" { address = \"%s\" balance = least-loaded }\n",
                     "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), 0);
        ck_assert_ptr_eq(listener_find_configured(&inner.daemon->listeners, "site"), listener);
        ck_assert_int_eq(listener->fd, fd);
        ck_assert(listener->config.least_loaded);
        ck_assert(!TAILQ_EMPTY(&listener->group.workers));
}
END_TEST

/* What can be listened on once can be again; so the socket is made something else. */
START_TEST(a_backlog_that_cannot_be_changed_is_said_and_no_more)
{
        char output[1024];
        Listener *listener;
        int before, other;

        write_config(one_listener, "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), 0);
        listener = listener_find_configured(&inner.daemon->listeners, "site");
        before = dup(listener->fd);
        other = eventfd(0, EFD_CLOEXEC);
        ck_assert_int_ge(dup2(other, listener->fd), 0);
        write_config("listener \"site\" { address = \"%s\" backlog = 5 }\n", "tcp:127.0.0.1:0");
        log_open(LOG_WARNING);
        capture_start(STDERR_FILENO);
        ck_assert_int_eq(reload_now(), 0);
        capture_end(output, sizeof(output));
        log_open(LOG_CRIT);
        ck_assert_msg(strstr(output, "listener site keeps its backlog: ") != NULL, "%s", output);
        ck_assert_ptr_eq(listener_find_configured(&inner.daemon->listeners, "site"), listener);
        ck_assert_uint_eq(listener->config.backlog, 5);
        dup2(before, listener->fd);
        close(before);
        close(other);
}
END_TEST

/* A client takes "site": the listening socket. */
static int take_site(int i)
{
        SCENE_SEND(i, 1, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"site"});
        scene_expect(i, IOD__FRAME__BODY_OPENED);
        return fd_list_steal(&sharing.received, 0);
}

static const char with_mode[] = "listener \"site\" { address = \"tcp:127.0.0.1:%u\" mode = %s }\n"
                                "policy \"user:*\" { serve = {\"site\"} }\n";

static void reload_as(uint16_t port, const char *mode)
{
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_gt(fprintf(file, with_mode, port, mode), 0);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_msg(reload_now() == 0, "%s", error_text());
}

/* A port that is free now. */
static uint16_t find_port(void)
{
        uint16_t port;

        reload_as(0, "shared");
        port = listener_find_configured(&inner.daemon->listeners, "site")->bound.port;
        write_config("# nothing%s\n", "");
        ck_assert_int_eq(reload_now(), 0);
        return port;
}

static bool accepts(int listening)
{
        int fd = accept(listening, NULL, NULL);

        if (fd >= 0)
                close(fd);
        return fd >= 0;
}

static bool has_another_socket(const Listener *listener, uint64_t inode)
{
        inner_server_settle();
        return listener->inode != 0 && listener->inode != inode;
}

/* Who waits in its backlog is meant for the one or for the other. */
START_TEST(one_that_tells_metrics_is_nobody_elses_and_has_a_socket_of_its_own)
{
        uint16_t port = find_port();
        const Listener *listener;
        uint64_t inode;

        reload_as(port, "metrics");
        listener = listener_find_configured(&inner.daemon->listeners, "site");
        ck_assert_ptr_nonnull(listener);
        ck_assert(listener->config.metrics && listener->config.shared);
        inode = listener->inode;
        scene_open(0);
        service_join(&sharing.clients[0], SCENE_JOIN, "site", "", 0, 4, NULL);
        ck_assert_ptr_nonnull(strstr(scene_expect_refused(0, SCENE_JOIN, EINVAL), "its metrics"));
        reload_as(port, "metrics");
        ck_assert_uint_eq(told, 0);
        ck_assert_uint_eq(listener->inode, inode);

        reload_as(port, "shared");
        ck_assert_uint_eq(told, 1);
        listener = listener_find_configured(&inner.daemon->listeners, "site");
        ck_assert(!listener->config.metrics);
        ck_assert(WAIT_UNTIL(has_another_socket(listener, inode), DEADLINE_MS));
}
END_TEST

START_TEST(what_was_taken_is_not_accepted_from_when_it_is_shared)
{
        uint16_t port = find_port();
        int taken;

        reload_as(port, "take");
        scene_open(0);
        taken = take_site(0);
        reload_as(port, "shared");
        /* Whoever took it listens there still, and is left alone. */
        service_join(&sharing.clients[0], 2, "site", "", 0, 8, NULL);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        ck_assert_int_eq(scene_listener()->fd, -1);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_serve(0), 0);
        ck_assert(accepts(taken));
        close(taken);
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     scene_listener()->fd >= 0;
                             }),
                             DEADLINE_MS));
        scene_dial_many(2);
        ck_assert_uint_eq(scene_serve(0), 2);
}
END_TEST

START_TEST(what_nobody_took_keeps_its_socket_when_it_is_shared)
{
        uint16_t port = find_port();
        int fd, taken;

        reload_as(port, "take");
        fd = scene_listener()->fd;
        reload_as(port, "shared");
        ck_assert_int_eq(scene_listener()->fd, fd);
        reload_as(port, "take");
        ck_assert_int_eq(scene_listener()->fd, fd);
        scene_open(0);
        taken = take_site(0);
        close(taken);
        reload_as(port, "shared");
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     scene_listener()->fd >= 0;
                             }),
                             DEADLINE_MS));
        service_join(&sharing.clients[0], 2, "site", "", 0, 8, NULL);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_serve(0), 1);
}
END_TEST

START_TEST(one_that_moves_is_another)
{
        uint64_t number;

        write_config(one_listener, "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), 0);
        number = listener_find_configured(&inner.daemon->listeners, "site")->group.number;
        write_config(one_listener, "tcp:127.0.0.2:0");
        ck_assert_int_eq(reload_now(), 0);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
        ck_assert_uint_gt(listener_find_configured(&inner.daemon->listeners, "site")->group.number,
                          number);
        ck_assert_int_eq(strncmp(scene_listener()->address, "tcp:127.0.0.2:", 14), 0);
}
END_TEST

START_TEST(a_broken_file_changes_nothing)
{
        const Config *before;

        write_config(one_listener, "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), 0);
        before = inner.daemon->config;
        write_config("listenr \"site\" { address = \"%s\" }\n", "tcp:127.0.0.1:0");
        ck_assert_int_eq(reload_now(), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), "iod.conf:1"));
        ck_assert_uint_eq(told, 0);
        ck_assert_ptr_eq(inner.daemon->config, before);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(where_one_cannot_be_opened_none_is)
{
        const Config *before;

        scene_join(0, 1, NULL);
        before = inner.daemon->config;
        write_config("listener \"a\" { address = \"tcp:127.0.0.1:0\" }\n"
                     "listener \"site\" { address = \"%s\" }\n",
                     scene_listener()->address);
        ck_assert_int_eq(reload_now(), -EADDRINUSE);
        ck_assert_ptr_eq(inner.daemon->config, before);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(one_at_a_path_is_opened_before_it_counts)
{
        char at[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
        const Config *before;

        snprintf(at, sizeof(at), "unix:%.80s/site", inner.directory);
        snprintf(other, sizeof(other), "unix:%.100s", path);
        write_config(one_listener, at);
        ck_assert_msg(reload_now() == 0, "%s", error_text());
        ck_assert_int_ge(scene_listener()->fd, 0);
        ck_assert_int_eq(access(at + strlen("unix:"), F_OK), 0);
        /* The configuration itself is in the way of another one. */
        before = inner.daemon->config;
        write_config("listener \"other\" { address = \"%s\" }\n"
                     "listener \"third\" { address = \"tcp:127.0.0.1:0\" }\n",
                     other);
        ck_assert_int_eq(reload_now(), -EEXIST);
        ck_assert_int_eq(strncmp(error_text(), "no socket, move it away: ", 25), 0);
        ck_assert_ptr_eq(inner.daemon->config, before);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
        ck_assert_int_eq(access(at + strlen("unix:"), F_OK), 0);
        write_config("# nothing%s\n", "");
        ck_assert_int_eq(reload_now(), 0);
        inner_server_settle();
        ck_assert_int_eq(access(at + strlen("unix:"), F_OK), -1);
}
END_TEST

START_TEST(a_clients_listener_of_the_name_is_no_hindrance)
{
        scene_join(0, 1, NULL);
        write_config("listener \"web\" { address = \"%s\" }\n", "tcp:127.0.0.1:0");
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(reload_now(), 0);
                ck_assert_uint_eq(inner.daemon->listeners.count, 2);
                ck_assert_ptr_nonnull(listener_find_configured(&inner.daemon->listeners, "web"));
        }
        ck_assert(!scene_listener()->configured);
}
END_TEST

START_TEST(the_new_policy_and_its_limits_count_at_once)
{
        Session *session = scene_open(0);
        char rule[256];

        snprintf(rule, sizeof(rule), "policy \"user:%u\" { hold = {\"job*\"} holds = 7 }\n%%s",
                 (unsigned)session->peer.uid);
        ck_assert_int_eq(authorise(session->sessions->config->policy, &session->peer, POLICY_HOLD,
                                   NULL, "job.1"),
                         -EACCES);
        write_config(rule, "");
        ck_assert_msg(reload_now() == 0, "%s", error_text());
        ck_assert_int_eq(authorise(session->sessions->config->policy, &session->peer, POLICY_HOLD,
                                   NULL, "job.1"),
                         0);
        ck_assert_int_eq(authorise(session->sessions->config->policy, &session->peer, POLICY_HOLD,
                                   NULL, "web.1"),
                         -EACCES);
        ck_assert_uint_eq(session->user->limits[QUOTA_HOLDS], 7);
}
END_TEST

START_TEST(what_was_written_before_it_was_asked_for_counts)
{
        Waiting first, second, third;

        write_config(one_listener, "tcp:127.0.0.1:0");
        ask(&first);
        write_config("# nothing%s\n", "");
        ask(&second);
        write_config("max-sessions-per-second = 77%s\n", "");
        ask(&third);
        ck_assert_int_eq(await(&first), 0);
        ck_assert_int_eq(await(&second), 0);
        ck_assert_int_eq(await(&third), 0);
        ck_assert_uint_eq(inner.daemon->config->sessions_per_second, 77);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
}
END_TEST

START_TEST(who_forgets_it_is_not_told_and_the_daemon_may_stop_meanwhile)
{
        Waiting first, second, third;

        write_config("max-sessions-per-second = 77%s\n", "");
        ask(&first);
        ask(&second);
        reload_forget(inner.daemon, &first.asker);
        reload_forget(inner.daemon, &second.asker);
        ask(&third);
        ck_assert_int_eq(await(&third), 0);
        ck_assert_uint_eq(inner.daemon->config->sessions_per_second, 77);
        ck_assert(!first.is_done && !second.is_done);
        ck_assert_int_eq(reload_ask(inner.daemon, NULL), 0);
        ck_assert_int_eq(reload_ask(inner.daemon, NULL), 0);
}
END_TEST

static bool asked_again_and_done(const Waiting *waiting)
{
        ck_assert_int_eq(reload_ask(inner.daemon, NULL), 0);
        return is_done(waiting);
}

/* Where the file lies on a file system that does not answer. */
START_TEST(a_reading_that_does_not_end_is_given_up_for_the_next)
{
        CLEANUP(cleanup_close) int dead = silent_fuse_open(S_IFREG);
        char written[OPTIONS_PATH_MAX];
        Waiting waiting;

        if (dead < 0)
                SKIP_TEST("FUSE cannot be mounted here");
        strcpy(written, path);
        write_config("max-sessions-per-second = 77%s\n", "");
        strcpy(inner.options.config_path, "/mnt/iod.conf");
        ask(&waiting);
        inner_server_settle();
        ck_assert(!waiting.is_done);
        /* The administrator has it read another file meanwhile. */
        strcpy(inner.options.config_path, written);
        ck_assert(WAIT_UNTIL(asked_again_and_done(&waiting), DEADLINE_MS));
        ck_assert_int_eq(waiting.result, 0);
        ck_assert_uint_eq(inner.daemon->config->sessions_per_second, 77);
        ck_assert_int_eq(reload_now(), 0);
        silent_fuse_end();
}
END_TEST

TEST_SUITE(test_reload)
{
        TCase *changes = tcase_create("changes");

        tcase_add_checked_fixture(changes, set_up, sharing_scene_tear_down);
        tcase_set_timeout(changes, TEST_TIMEOUT_SECONDS);
        tcase_add_test(changes, a_listener_that_is_new_is_opened_and_one_that_is_gone_is_closed);
        tcase_add_test(changes, one_that_tells_metrics_is_nobody_elses_and_has_a_socket_of_its_own);
        tcase_add_test(changes, one_that_stays_keeps_its_socket_and_its_workers);
        tcase_add_test(changes, a_backlog_that_cannot_be_changed_is_said_and_no_more);
        tcase_add_test(changes, what_was_taken_is_not_accepted_from_when_it_is_shared);
        tcase_add_test(changes, what_nobody_took_keeps_its_socket_when_it_is_shared);
        tcase_add_test(changes, one_that_moves_is_another);
        tcase_add_test(changes, a_broken_file_changes_nothing);
        tcase_add_test(changes, where_one_cannot_be_opened_none_is);
        tcase_add_test(changes, one_at_a_path_is_opened_before_it_counts);
        tcase_add_test(changes, a_clients_listener_of_the_name_is_no_hindrance);
        tcase_add_test(changes, the_new_policy_and_its_limits_count_at_once);
        tcase_add_test(changes, what_was_written_before_it_was_asked_for_counts);
        tcase_add_test(changes, who_forgets_it_is_not_told_and_the_daemon_may_stop_meanwhile);
        tcase_add_test(changes, a_reading_that_does_not_end_is_given_up_for_the_next);
        suite_add_tcase(suite, changes);
}
