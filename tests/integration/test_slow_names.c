/*
 * Names that do not resolve, or not soon: who asked is told why, and delayed, and nobody else is.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/dns_server.h"
#include "tests/support/echo_worker.h"
#include "tests/support/raw_client.h"
#include "tests/support/short_connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LATE_MS = 600 };

static const DnsRecord records[] = {
        {"here.test", DNS_A, DNS_ANSWERS, 0, {"127.0.0.1"}},
        {"late.test", DNS_A, DNS_ANSWERS, LATE_MS, {"127.0.0.1"}},
        {"empty.test", DNS_A, DNS_ANSWERS, 0, {NULL}},
        {"fails.test", DNS_A, DNS_SERVER_FAILS, 0, {NULL}},
        {"garbage.test", DNS_A, DNS_SENDS_GARBAGE, 0, {NULL}},
        {"wrong.test", DNS_A, DNS_WRONG_ID, 0, {"127.0.0.1"}},
        {"other.test", DNS_A, DNS_WRONG_NAME, 0, {"127.0.0.1"}},
        {"silent.test", DNS_A, DNS_SILENT, 0, {NULL}},
        {"silent.test", DNS_AAAA, DNS_SILENT, 0, {NULL}},
};

static ConfigFile config;
static DnsServer dns;
static TestDaemon kyron_iod;
static KyronIoDriverHandle *handle;
static TestCall slow;
static KyronTcpStream *slow_stream;
static int listener;
static unsigned port;

static void set_up(void)
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);

        dns_server_start(&dns, records, sizeof(records) / sizeof(records[0]));
        config_file_make(&config);
        config_file_write(&config,
                          "name-servers = {\"%s\"}\n"
                          "policy \"user:%u\" {\n"
                          "        connect = {\"tcp:*:*\"}\n"
                          "        listen = {\"tcp:127.0.0.1:*\"}\n"
                          "}\n",
                          dns.address, (unsigned)geteuid());
        test_daemon_start(&kyron_iod, (const char *const[]){"--config", config.path, NULL});
        handle = open_handle(&kyron_iod);
        test_call_init(&slow);
        listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(listener, 16), 0);
        ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &size), 0);
        port = ntohs(here.sin_port);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        close(listener);
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
        dns_server_stop(&dns);
}

static void start_slow(const char *host, unsigned timeout_ms)
{
        char address[128];

        snprintf(address, sizeof(address), "tcp:%s:%u", host, port);
        ck_assert_int_eq(kyron_tcp_stream_connect_to(&slow_stream, handle, address, timeout_ms,
                                                     &slow.operation),
                         KYRON_PENDING);
        process(handle, 0);
}

static const struct {
        const char *host;
        unsigned timeout_ms;
        int error;
        const char *sentence;
} failing[] = {
        {"nobody.test", 0, ENOENT, "no such name: nobody.test"},
        {"empty.test", 0, ENOENT, "no such name: empty.test"},
        {"fails.test", 0, EAGAIN, "its name servers failed: fails.test"},
        {"garbage.test", 1000, ETIMEDOUT, "not resolved within 1000 ms: garbage.test"},
        {"other.test", 1000, ETIMEDOUT, "not resolved within 1000 ms: other.test"},
        {"wrong.test", 1000, ETIMEDOUT, "not resolved within 1000 ms: wrong.test"},
        {"silent.test", 1000, ETIMEDOUT, "not resolved within 1000 ms: silent.test"},
};

START_TEST(who_asks_for_a_name_that_does_not_resolve_is_told_why)
{
        start_slow(failing[_i].host, failing[_i].timeout_ms);
        ck_assert(PROCESS_UNTIL(handle, slow.completions == 1));
        ck_assert_int_eq(slow.result, -failing[_i].error);
        ck_assert_str_eq(slow.text, failing[_i].sentence);
        ck_assert_ptr_null(slow_stream);
}
END_TEST

START_TEST(a_late_answer_is_an_answer)
{
        start_slow("late.test", 0);
        ck_assert(PROCESS_UNTIL(handle, slow.completions == 1));
        ck_assert_msg(slow.result == 0, "%s", slow.text);
        kyron_tcp_stream_close(slow_stream);
}
END_TEST

/* While one waits for names that do not come, others connect, serve and look. */
START_TEST(nobody_else_is_delayed)
{
        enum { OTHERS = 200 };
        KyronIoDriverHandle *other = open_handle(&kyron_iod);
        EchoWorker worker = {.pid = 0};
        const EchoWorkerOptions options = {
                .socket_path = kyron_iod.socket_path,
                .name = "web",
                .address = "tcp:127.0.0.1:0",
        };
        static RawClient asking;
        ShortConnectionsResult result;
        struct sockaddr_in served;
        ShortConnections *load;

        start_slow("silent.test", 60000);
        ck_assert(WAIT_UNTIL(atomic_load(&dns.questions) > 0, DEADLINE_MS));
        for (int i = 0; i < OTHERS; i++) {
                char address[64];
                KyronTcpStream *stream;
                TestCall call;

                test_call_init(&call);
                snprintf(address, sizeof(address), "tcp:%s:%u",
                         i % 2 == 0 ? "127.0.0.1" : "here.test", port);
                ck_assert_int_eq(
                        kyron_tcp_stream_connect_to(&stream, other, address, 0, &call.operation),
                        KYRON_PENDING);
                ck_assert(PROCESS_UNTIL(other, call.completions == 1));
                ck_assert_msg(call.result == 0, "%s", call.text);
                kyron_tcp_stream_close(stream);
                close(accept(listener, NULL, NULL));
        }
        echo_worker_start(&worker, &options);
        served = echo_worker_address(&worker);
        load = short_connections_start((struct sockaddr *)&served, sizeof(served), 1000, 4,
                                       DEADLINE_MS);
        ck_assert_ptr_nonnull(load);
        short_connections_end(load, &result);
        ck_assert_uint_eq(result.served, 1000);
        /* Killed: a sanitizer does not let a child of a process with threads exit. */
        echo_worker_clean_up(&worker);
        raw_client_open(&asking, kyron_iod.socket_path);
        ck_assert_uint_eq(raw_client_status(&asking)->connects, 1);
        /* All that, and the name has not come yet. */
        process(handle, 0);
        ck_assert_int_eq(slow.completions, 0);
        ck_assert_int_eq(kyron_operation_cancel(&slow.operation), 0);
        ck_assert(WAIT_UNTIL((process(handle, 0), raw_client_status(&asking)->connects == 0),
                             DEADLINE_MS));
        raw_client_close(&asking);
        kyron_io_driver_handle_close(other);
}
END_TEST

START_TEST(who_ends_while_a_name_is_asked_for_leaves_nothing)
{
        static RawClient asking;

        raw_client_open(&asking, kyron_iod.socket_path);
        start_slow("silent.test", 60000);
        ck_assert(WAIT_UNTIL(atomic_load(&dns.questions) > 0, DEADLINE_MS));
        ck_assert_uint_eq(raw_client_status(&asking)->connects, 1);
        kyron_io_driver_handle_close(handle);
        handle = open_handle(&kyron_iod);
        ck_assert(WAIT_UNTIL(raw_client_status(&asking)->connects == 0, DEADLINE_MS));
        raw_client_close(&asking);
}
END_TEST

TEST_SUITE(test_slow_names)
{
        TCase *names = tcase_create("names");

        tcase_add_checked_fixture(names, set_up, tear_down);
        tcase_set_timeout(names, 120);
        tcase_add_loop_test(names, who_asks_for_a_name_that_does_not_resolve_is_told_why, 0,
                            sizeof(failing) / sizeof(failing[0]));
        tcase_add_test(names, a_late_answer_is_an_answer);
        tcase_add_test(names, nobody_else_is_delayed);
        tcase_add_test(names, who_ends_while_a_name_is_asked_for_leaves_nothing);
        suite_add_tcase(suite, names);
}
