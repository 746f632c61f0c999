/*
 * What kyronctl says of what the daemon does for programs: requests that were not done, backlogs,
 * limits and policies; and that it ends sessions and listeners. Each fault is planted, and told by
 * one verb.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/support/client.h"
#include "tests/support/config_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static KyronctlSetup setup;
static char byte;

static ConfigFile config;
static TestDaemon own_daemon;
static KyronIoDriverHandle *handle;
static TestCall call;
static uint64_t session;

static void set_up_services(void)
{
        const char *options[] = {"--config", config.path, NULL};

        unsetenv("KYRON_DELIVERY");
        config_file_make(&config);
        config_file_write(&config, "policy \"user:*\" {\n"
                                   "  listen = {\"tcp:127.0.0.1:*\", \"unix:@kyron-columns-*\"}\n"
                                   "  connect = {\"tcp:127.0.0.1:*\"}\n"
                                   "  listeners = 2\n"
                                   "}\n");
        test_daemon_start(&own_daemon, options);
        setup = (KyronctlSetup){.socket_path = own_daemon.socket_path};
        handle = open_handle(&own_daemon);
        session = kyron_io_driver_handle_session(handle);
        test_call_init(&call);
}

static void tear_down_services(void)
{
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&own_daemon);
        config_file_remove(&config);
}

/* Waits for its answer. */
static void await_call(int r)
{
        ck_assert_msg(r == KYRON_PENDING, "%d: %s", r, kyron_error_text());
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        call.completions = 0;
}

static KyronEndpoint *join(const char *name, const char *address, unsigned credits)
{
        const KyronEndpointOptions options = {
                .name = name,
                .address = address,
                .credits = credits,
                .listener = &(KyronListenerOptions){.backlog = 1},
        };
        KyronEndpoint *endpoint = NULL;

        await_call(kyron_endpoint_join(&endpoint, handle, &options, &call.operation));
        ck_assert_msg(endpoint != NULL, "%s", call.text);
        return endpoint;
}

static json_t *run_json(const char *const *words)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = kyronctl_run(&setup, words);

        kyronctl_run_succeeded(&run);
        return kyronctl_run_json(&run);
}

#define RUN_JSON(...) run_json((const char *const[]){__VA_ARGS__, "--json", NULL})

static const char *session_text(void)
{
        static char text[24];

        snprintf(text, sizeof(text), "%" PRIu64, session);
        return text;
}

static int connect_to(const char *address)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        (void)connect(fd, (const struct sockaddr *)&there, sizeof(there));
        return fd;
}

START_TEST(a_refused_request_is_told_with_its_sentence)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(cleanup_json) json_t *shown = NULL;
        KyronTcpStream *stream = NULL;
        const json_t *last;

        await_call(kyron_tcp_stream_connect_to(&stream, handle, "tcp:192.0.2.1:80", 1000,
                                               &call.operation));
        ck_assert_ptr_null(stream);
        shown = RUN_JSON("show", session_text());
        kyronctl_json_check_number(shown, "refusals", 1);
        kyronctl_json_check_number(shown, "failures", 0);
        last = json_object_get(shown, "last_refusal");
        kyronctl_json_check_number(last, "error", EACCES);
        ck_assert(json_is_false(json_object_get(last, "failed")));
        ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(last, "text")),
                                     "may not connect to tcp:192.0.2.1:80"));
        run = RUN(&setup, "show", session_text());
        kyronctl_run_succeeded(&run);
        ck_assert_msg(strstr(run.out, "may not connect to tcp:192.0.2.1:80") != NULL, "%s",
                      run.out);
}
END_TEST

START_TEST(what_failed_and_what_was_cancelled_are_numbers_of_their_own)
{
        CLEANUP(cleanup_json) json_t *sessions = NULL;
        CLEANUP(cleanup_json) json_t *status = NULL;
        KyronTcpStream *stream = NULL;
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        int bound = connect_to("tcp:127.0.0.1:0");
        char text[64];

        /* A port that is somebody's, who does not listen. */
        close(bound);
        bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(bind(bound, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(bound, (struct sockaddr *)&address, &size), 0);
        snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", ntohs(address.sin_port));
        await_call(kyron_tcp_stream_connect_to(&stream, handle, text, 1000, &call.operation));
        ck_assert_int_eq(call.result, -ECONNREFUSED);
        sessions = RUN_JSON("sessions");
        kyronctl_json_check_number(kyronctl_json_find(sessions, "session", session), "refusals", 0);
        kyronctl_json_check_number(kyronctl_json_find(sessions, "session", session), "failures", 1);
        kyronctl_json_check_number(kyronctl_json_find(sessions, "session", session), "cancels", 0);
        status = RUN_JSON("status");
        kyronctl_json_check_number(status, "failures", 1);
        close(bound);
}
END_TEST

static const char *const addresses[] = {"tcp:127.0.0.1:0", "unix:@kyron-columns-backlog"};

/* The state that listeners tells of "web", and how many wait in the kernel. */
static bool is_listener_told(const char *state, uint64_t waiting)
{
        CLEANUP(cleanup_json) json_t *listeners = RUN_JSON("listeners");
        const json_t *web = json_array_get(listeners, 0);
        const char *told = json_string_value(json_object_get(web, "state"));
        const json_t *backlog = json_object_get(web, "backlog");

        return strcmp(told, state) == 0 && json_is_integer(backlog) &&
               (uint64_t)json_integer_value(backlog) == waiting;
}

START_TEST(a_full_backlog_is_told)
{
        KyronEndpoint *endpoint = join("web", addresses[_i], 64);
        int fds[2];

        ck_assert(is_listener_told("accepting", 0));
        {
                CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "pause", "web");

                if (run.exit_status == 4) {
                        kyron_endpoint_close(endpoint);
                        SKIP_TEST("only operators may pause a listener");
                }
        }
        for (int i = 0; i < 2; i++) {
                if (_i == 0) {
                        fds[i] = connect_to(kyron_endpoint_address(endpoint));
                } else {
                        struct sockaddr_un there = {.sun_family = AF_UNIX};

                        strcpy(there.sun_path + 1, "kyron-columns-backlog");
                        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                        ck_assert_int_eq(
                                connect(fds[i], (const struct sockaddr *)&there,
                                        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                                    strlen("kyron-columns-backlog"))),
                                0);
                }
        }
        ck_assert(WAIT_UNTIL(is_listener_told("full", 2), DEADLINE_MS));
        kyron_endpoint_close(endpoint);
        for (int i = 0; i < 2; i++)
                close(fds[i]);
}
END_TEST

START_TEST(a_user_that_has_used_up_a_limit_is_told)
{
        CLEANUP(cleanup_json) json_t *users = NULL;
        KyronEndpoint *endpoints[2];
        const json_t *limits, *limit;
        bool found = false;
        size_t i;

        endpoints[0] = join("one", "tcp:127.0.0.1:0", 1);
        endpoints[1] = join("two", "tcp:127.0.0.1:0", 1);
        users = RUN_JSON("users");
        limits = json_object_get(kyronctl_json_find(users, "uid", geteuid()), "limits");
        json_array_foreach(limits, i, limit)
        {
                const char *name = json_string_value(json_object_get(limit, "name"));
                bool is_out = json_is_true(json_object_get(limit, "out"));

                if (strcmp(name, "listeners") != 0)
                        continue;
                found = true;
                ck_assert(is_out);
                kyronctl_json_check_number(limit, "used", 2);
                kyronctl_json_check_number(limit, "max", 2);
        }
        ck_assert(found);
        kyron_endpoint_close(endpoints[0]);
        kyron_endpoint_close(endpoints[1]);
}
END_TEST

START_TEST(the_policies_are_listed_as_the_daemon_has_them)
{
        CLEANUP(cleanup_json) json_t *lines = RUN_JSON("policy", "list");
        const json_t *line;
        size_t i, found = 0;

        json_array_foreach(lines, i, line)
        {
                const char *policy = json_string_value(json_object_get(line, "policy"));
                const char *key = json_string_value(json_object_get(line, "key"));
                const char *value = json_string_value(json_object_get(line, "value"));

                found += strcmp(policy, "user:*") == 0 && strcmp(key, "connect") == 0 &&
                         strcmp(value, "tcp:127.0.0.1:*") == 0;
                found += strcmp(policy, "user:*") == 0 && strcmp(key, "listeners") == 0 &&
                         strcmp(value, "2") == 0;
        }
        ck_assert_uint_eq(found, 2);
}
END_TEST

START_TEST(a_session_that_is_ended_learns_who_did_it)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        KyronBridgedFd *reader;
        char sentence[64];
        int ends[2];

        pipe_pair(ends);
        ck_assert_int_eq(kyron_bridged_fd_new(&reader, handle, ends[0]), 0);
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &call.operation, &byte, 1), KYRON_PENDING);
        run = RUN(&setup, "end", session_text());
        kyronctl_run_succeeded(&run);
        ck_assert(WAIT_UNTIL(kyron_io_driver_handle_process_io(handle, 20) == -EHOSTDOWN,
                             DEADLINE_MS));
        ck_assert_int_eq(call.completions, 1);
        ck_assert_int_eq(call.result, -EHOSTDOWN);
        snprintf(sentence, sizeof(sentence), "user %u had it ended", (unsigned)geteuid());
        ck_assert_msg(strstr(call.text, sentence) != NULL, "%s", call.text);
        kyron_bridged_fd_close(reader);
        close(ends[1]);
}
END_TEST

START_TEST(who_accepts_from_a_listener_that_is_closed_learns_who_did_it)
{
        KyronEndpoint *endpoint = join("web", "tcp:127.0.0.1:0", 64);
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(cleanup_json) json_t *listeners = NULL;
        KyronTcpStream *served = NULL, *never = NULL;
        int peer = connect_to(kyron_endpoint_address(endpoint));
        char sentence[64];

        if (kyron_endpoint_accept(endpoint, &call.operation, &served) == KYRON_PENDING)
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_ptr_nonnull(served);
        call.completions = 0;
        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &call.operation, &never), KYRON_PENDING);
        process(handle, 0);
        run = RUN(&setup, "close", "web");
        kyronctl_run_succeeded(&run);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -ECANCELED);
        snprintf(sentence, sizeof(sentence), "user %u had listener web closed",
                 (unsigned)geteuid());
        ck_assert_str_eq(call.text, sentence);
        listeners = RUN_JSON("listeners");
        ck_assert_uint_eq(json_array_size(listeners), 0);
        /* What it had goes on. */
        call.completions = 0;
        put_byte(peer);
        if (kyron_bridged_fd_read((KyronBridgedFd *)served, &call.operation, &byte, 1) ==
            KYRON_PENDING)
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        kyron_tcp_stream_close(served);
        kyron_endpoint_close(endpoint);
        close(peer);
        process(handle, 0);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(handle), KYRON_SERVED_BY_DAEMON);
}
END_TEST

TEST_SUITE(test_kyronctl_columns)
{
        TCase *services = tcase_create("services");

        tcase_add_checked_fixture(services, set_up_services, tear_down_services);
        tcase_set_timeout(services, TEST_TIMEOUT_SECONDS);
        tcase_add_test(services, a_refused_request_is_told_with_its_sentence);
        tcase_add_test(services, what_failed_and_what_was_cancelled_are_numbers_of_their_own);
        tcase_add_loop_test(services, a_full_backlog_is_told, 0, 2);
        tcase_add_test(services, a_user_that_has_used_up_a_limit_is_told);
        tcase_add_test(services, the_policies_are_listed_as_the_daemon_has_them);
        tcase_add_test(services, a_session_that_is_ended_learns_who_did_it);
        tcase_add_test(services, who_accepts_from_a_listener_that_is_closed_learns_who_did_it);
        suite_add_tcase(suite, services);
}
