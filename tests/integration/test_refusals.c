/*
 * What the policy refuses, it refuses with the rule, or the lack of one, in the reply and in the
 * log; what an audit lets pass, it says how to allow. The daemon runs with a configuration for each
 * case; the client is an ordinary user where root runs the test.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, SENTENCE_MAX = 96 };

static ConfigFile config;
static Program kyron_iod;
static char socket_path[108];
static KyronIoDriverHandle *handle;
static TestCall call;
static int held_fd;
static uid_t client_uid;
static gid_t client_gid;

static void set_up(void)
{
        config_file_make(&config);
        held_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        snprintf(socket_path, sizeof(socket_path), "%s/socket", config.directory);
        client_uid = geteuid() == 0 ? NOBODY : geteuid();
        client_gid = geteuid() == 0 ? NOBODY : getegid();
        test_call_init(&call);
}

static void tear_down(void)
{
        close(held_fd);
        config_file_remove(&config);
}

/* Starts the daemon, and connects as the client. */
static void start(void)
{
        const char *words[] = {"--foreground", "--config",    config.path, "--socket",
                               socket_path,    "--log-level", "notice",    NULL};
        const KyronOptions options = {.socket_path = socket_path, .program = "asker"};
        bool is_root = geteuid() == 0;

        program_start(&kyron_iod, words, NULL);
        program_await_serving(socket_path);
        if (is_root)
                ck_assert(setegid(client_gid) == 0 && seteuid(client_uid) == 0);
        ck_assert_msg(kyron_io_driver_handle_open(&handle, &options) == 0, "%s",
                      kyron_error_text());
        if (is_root)
                ck_assert(seteuid(0) == 0 && setegid(0) == 0);
}

static void stop(void)
{
        kyron_io_driver_handle_close(handle);
        program_stop(&kyron_iod);
}

/* ---- asking ---- */

typedef enum Ask { LISTEN, CONNECT, BIND, SERVE, HOLD, KEEP } Ask;

/* Asks, and waits for the answer. */
static void ask(Ask what, const char *object)
{
        KyronEndpointOptions join = {.name = "asked"};
        KyronEndpoint *endpoint = NULL;
        KyronTcpStream *stream = NULL;
        KyronUdpSocket *udp = NULL;
        int r;

        switch (what) {
        case LISTEN:
                join.address = object;
                r = kyron_endpoint_join(&endpoint, handle, &join, &call.operation);
                break;
        case CONNECT:
                r = kyron_tcp_stream_connect_to(&stream, handle, object, 200, &call.operation);
                break;
        case BIND:
                r = kyron_udp_socket_bind_to(&udp, handle, object, &call.operation);
                break;
        case HOLD:
                r = kyron_hold(handle, held_fd, object, NULL, 0, 1000, &call.operation);
                break;
        default:
                join.name = object;
                join.keep_on_death = what == KEEP;
                r = kyron_endpoint_join(&endpoint, handle, &join, &call.operation);
        }
        ck_assert_msg(r == KYRON_PENDING, "%d: %s", r, kyron_error_text());
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        if (endpoint)
                kyron_endpoint_close(endpoint);
        if (stream)
                kyron_tcp_stream_close(stream);
        if (udp)
                kyron_udp_socket_close(udp);
}

/* ---- rules ---- */

static const struct {
        const char *rules; /* of the client's policy */
        Ask what;
        const char *object;
        const char *refused; /* after "uid N may not ", before the policies; NULL: allowed */
} cases[] = {
        {"listen = {\"tcp:127.0.0.1:*\"}", LISTEN, "tcp:127.0.0.1:0", NULL},
        {"listen = {\"tcp:127.0.0.1:0-99\"}", LISTEN, "tcp:127.0.0.1:0", NULL},
        {"listen = {\"tcp:127.0.0.1:8080\"}", LISTEN, "tcp:127.0.0.1:0",
         "listen on tcp:127.0.0.1:0"},
        {"listen = {\"tcp:127.0.0.1:*\"}", LISTEN, "tcp:*:0", "listen on tcp:*:0"},
        {"listen = {\"tcp:127.0.0.0/8:*\"}", LISTEN, "tcp:127.0.0.2:0", NULL},
        {"listen = {\"unix:@kyron-*\"}", LISTEN, "unix:@kyron-refusals", NULL},
        {"listen = {\"unix:@kyron-*\"}", LISTEN, "unix:@other", "listen on unix:@other"},
        {"connect = {\"tcp:127.0.0.1:1\"}", CONNECT, "tcp:127.0.0.1:1", NULL},
        {"connect = {\"tcp:127.0.0.0/8:1-9\"}", CONNECT, "tcp:127.0.0.1:9", NULL},
        {"connect = {\"tcp:127.0.0.0/8:1-9\"}", CONNECT, "tcp:127.0.0.1:10",
         "connect to tcp:127.0.0.1:10"},
        {"connect = {\"tcp:localhost:1\"}", CONNECT, "tcp:localhost:1", NULL},
        {"connect = {\"tcp:127.0.0.1:1\", \"tcp:[::1]:1\"}", CONNECT, "tcp:localhost:1", NULL},
        {"connect = {\"tcp:*.example.org:1\"}", CONNECT, "tcp:127.0.0.1:1",
         "connect to tcp:127.0.0.1:1"},
        {"bind = {\"udp:127.0.0.1:*\"}", BIND, "udp:127.0.0.1:0", NULL},
        {"bind = {\"udp:127.0.0.1:*\"}", BIND, "udp:127.0.0.2:0", "bind udp:127.0.0.2:0"},
        {"serve = {\"we*\"}", SERVE, "web", NULL},
        {"serve = {\"wab\"}", SERVE, "web", "serve web"},
        {"hold = {\"session-*\"}", HOLD, "session-1", NULL},
        {"hold = {\"session-*\"}", HOLD, "other", "hold other"},
        {"serve = {\"web\"} hold = {\"web\"}", KEEP, "web", NULL},
        {"serve = {\"web\"} hold = {\"other\"}", KEEP, "web", "hold web"},
};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static const char *const whom[] = {"user:%u", "group:%u", "user:*"};

static void write_config(const char *title, const char *rules, const char *more)
{
        config_file_write(&config,
                          "%s\n"
                          "listener \"web\" {\n"
                          "        address = \"tcp:127.0.0.1:0\"\n"
                          "        mode = shared\n"
                          "}\n"
                          "policy \"%s\" {\n"
                          "        %s\n"
                          "}\n",
                          more, title, rules);
}

START_TEST(what_a_rule_allows_is_done_and_what_none_allows_is_said)
{
        int which = _i % CASES, who = _i / CASES;
        char title[32], sentence[256];

        snprintf(title, sizeof(title), whom[who], (unsigned)(who == 1 ? client_gid : client_uid));
        write_config(title, cases[which].rules, "");
        start();
        ask(cases[which].what, cases[which].object);
        if (!cases[which].refused) {
                ck_assert_msg(call.result != -EACCES, "%s", call.text);
                /* Nobody listens there. */
                ck_assert_msg(call.result == 0 || cases[which].what == CONNECT, "%zd: %s",
                              call.result, call.text);
        } else {
                snprintf(sentence, sizeof(sentence), "uid %u may not %s: not in policy %s",
                         (unsigned)client_uid, cases[which].refused, title);
                ck_assert_int_eq(call.result, -EACCES);
                ck_assert_str_eq(call.text, sentence);
                program_await_said(&kyron_iod, sentence);
        }
        stop();
}
END_TEST

START_TEST(without_a_policy_nothing_is_opened)
{
        char sentence[256];

        write_config("user:4294967294", "serve = {\"web\"}", "");
        start();
        ask(cases[_i].what, cases[_i].object);
        ck_assert_int_eq(call.result, -EACCES);
        snprintf(sentence, sizeof(sentence), "uid %u may not ", (unsigned)client_uid);
        ck_assert_ptr_eq(strstr(call.text, sentence), call.text);
        ck_assert_ptr_nonnull(strstr(call.text, ": no policy is for this user"));
        program_await_said(&kyron_iod, call.text);
        stop();
}
END_TEST

/* ---- audit ---- */

static const char marker[] = "this would allow it: ";

/* Puts each policy the log suggests into a file of its own in conf.d; returns how many. */
static int adopt_suggestions(void)
{
        const char *suggestion = kyron_iod.err;
        char path[300];
        FILE *file;
        int n = 0;

        snprintf(path, sizeof(path), "%s/conf.d", config.directory);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        while ((suggestion = strstr(suggestion, marker))) {
                suggestion += strlen(marker);
                snprintf(path, sizeof(path), "%s/conf.d/%d.conf", config.directory, n++);
                file = fopen(path, "we");
                ck_assert_ptr_nonnull(file);
                fprintf(file, "%.*s\n", (int)strcspn(suggestion, "\n"), suggestion);
                ck_assert_int_eq(fclose(file), 0);
        }
        return n;
}

START_TEST(an_audit_lets_pass_and_its_suggestion_allows)
{
        const int least = cases[_i].what == KEEP ? 2 : 1;
        /* The second address of a name is asked about if the first has failed by then. */
        const bool is_name = strstr(cases[_i].object, "localhost");
        int suggestions;

        write_config("user:4294967294", "serve = {\"web\"}", "audit = true");
        start();
        ask(cases[_i].what, cases[_i].object);
        ck_assert_int_ne(call.result, -EACCES);
        program_await_said(&kyron_iod, marker);
        stop();
        suggestions = adopt_suggestions();
        ck_assert_int_ge(suggestions, least);
        ck_assert_int_le(suggestions, is_name ? 2 : least);

        /* The same without the audit, and with what it said. */
        write_config("user:4294967294", "serve = {\"web\"}", "");
        test_call_init(&call);
        start();
        ask(cases[_i].what, cases[_i].object);
        ck_assert_msg(call.result != -EACCES, "%s", call.text);
        stop();
}
END_TEST

/* ---- limits ---- */

START_TEST(past_a_limit_the_limit_is_named)
{
        char title[32], sentence[SENTENCE_MAX];
        KyronEndpointOptions join = {.name = "second", .address = "tcp:127.0.0.1:0"};
        KyronEndpoint *endpoints[2];

        snprintf(title, sizeof(title), "user:%u", (unsigned)client_uid);
        write_config(title,
                     "listen = {\"tcp:127.0.0.1:*\"}\n hold = {\"*\"}\n"
                     "listeners = 1\n holds = 1",
                     "");
        start();
        for (int i = 0; i < 2; i++) {
                join.name = i == 0 ? "first" : "second";
                ck_assert_int_eq(kyron_endpoint_join(&endpoints[i], handle, &join, &call.operation),
                                 KYRON_PENDING);
                ck_assert(PROCESS_UNTIL(handle, call.completions == i + 1));
                ck_assert_int_eq(call.result, i == 0 ? 0 : -EDQUOT);
        }
        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 1 listeners per user: end some first",
                 (unsigned)client_uid);
        ck_assert_str_eq(call.text, sentence);
        kyron_endpoint_close(endpoints[0]);
        test_call_init(&call);
        ask(HOLD, "one");
        ck_assert_msg(call.result == 0, "%s", call.text);
        test_call_init(&call);
        ask(HOLD, "two");
        ck_assert_int_eq(call.result, -EDQUOT);
        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 1 holds per user: end some first",
                 (unsigned)client_uid);
        ck_assert_str_eq(call.text, sentence);
        stop();
}
END_TEST

/* ---- what cannot be done ---- */

static int listen_here(char text[static 64], int backlog)
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(fd, backlog), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &size), 0);
        snprintf(text, 64, "tcp:127.0.0.1:%u", ntohs(here.sin_port));
        return fd;
}

static void start_with_everything(void)
{
        char title[32];

        snprintf(title, sizeof(title), "user:%u", (unsigned)client_uid);
        write_config(title,
                     "listen = {\"tcp:*:*\"}\n connect = {\"tcp:*:*\"}\n"
                     "bind = {\"udp:*:*\"}\n hold = {\"*\"}\n serve = {\"*\"}\n connects = 1",
                     "");
        start();
}

static void expect(Ask what, const char *object, int error, const char *sentence)
{
        test_call_init(&call);
        ask(what, object);
        ck_assert_str_eq(call.text, sentence);
        ck_assert_int_eq(call.result, -error);
}

START_TEST(what_cannot_be_opened_says_why)
{
        char address[64], sentence[256];
        int listener;

        start_with_everything();
        listener = listen_here(address, 1);
        snprintf(sentence, sizeof(sentence), "address in use: %s", address);
        expect(LISTEN, address, EADDRINUSE, sentence);
        close(listener);
        snprintf(sentence, sizeof(sentence), "Connection refused: %s", address);
        expect(CONNECT, address, ECONNREFUSED, sentence);
        expect(CONNECT, "unix:/run/kyron-iod/socket", EAFNOSUPPORT,
               "connecting to unix: would lend the daemon's identity: do it yourself");
        expect(CONNECT, "tcp:127.0.0.1:0", EINVAL,
               "port 0 is to listen on: name a port to connect to");
        expect(SERVE, "nobody", ENOENT, "there is no listener nobody");
        stop();
}
END_TEST

START_TEST(who_is_filtered_is_told_at_the_deadline_and_others_wait_for_their_limit)
{
        KyronTcpStream *stream, *second;
        TestCall other;
        char address[64], sentence[256];
        int listener, filling[3];

        /* Nobody gets an answer from a listener whose queue is full. */
        start_with_everything();
        listener = listen_here(address, 0);
        for (int i = 0; i < 3; i++) {
                struct sockaddr_in there;
                socklen_t size = sizeof(there);

                filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&there, &size), 0);
                (void)connect(filling[i], (struct sockaddr *)&there, size);
        }
        test_call_init(&other);
        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&stream, handle, address, 500, &call.operation),
                KYRON_PENDING);
        ck_assert_int_eq(
                kyron_tcp_stream_connect_to(&second, handle, address, 500, &other.operation),
                KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, other.completions == 1));
        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 1 connects per user: end some first",
                 (unsigned)client_uid);
        ck_assert_int_eq(other.result, -EDQUOT);
        ck_assert_str_eq(other.text, sentence);
        ck_assert_int_eq(call.completions, 0);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        snprintf(sentence, sizeof(sentence), "no answer within 500 ms: %s", address);
        ck_assert_int_eq(call.result, -ETIMEDOUT);
        ck_assert_str_eq(call.text, sentence);
        for (int i = 0; i < 3; i++)
                close(filling[i]);
        close(listener);
        stop();
}
END_TEST

START_TEST(what_cannot_be_held_says_why)
{
        static char note[65537];
        KyronOperation operation;

        start_with_everything();
        test_call_init(&call);
        ask(HOLD, "one");
        ck_assert_msg(call.result == 0, "%s", call.text);
        expect(HOLD, "one", EEXIST, "one is held already: take it");
        kyron_operation_init(&operation, call.operation.completion, NULL);
        ck_assert_int_eq(kyron_hold(handle, held_fd, "two", NULL, 0, 0, &operation), -EINVAL);
        ck_assert_str_eq(kyron_error_text(),
                         "a held descriptor needs a time to live of 1 ms or more");
        ck_assert_int_eq(kyron_hold(handle, held_fd, "two", note, sizeof(note), 1000, &operation),
                         -EMSGSIZE);
        ck_assert_str_eq(kyron_error_text(), "a note has at most 65536 bytes, this one has 65537");
        stop();
}
END_TEST

TEST_SUITE(test_refusals)
{
        TCase *rules = tcase_create("rules");

        tcase_add_checked_fixture(rules, set_up, tear_down);
        tcase_set_timeout(rules, 60);
        tcase_add_loop_test(rules, what_a_rule_allows_is_done_and_what_none_allows_is_said, 0,
                            3 * CASES);
        tcase_add_loop_test(rules, without_a_policy_nothing_is_opened, 0, CASES);
        tcase_add_loop_test(rules, an_audit_lets_pass_and_its_suggestion_allows, 0, CASES);
        tcase_add_test(rules, past_a_limit_the_limit_is_named);
        tcase_add_test(rules, what_cannot_be_opened_says_why);
        tcase_add_test(rules,
                       who_is_filtered_is_told_at_the_deadline_and_others_wait_for_their_limit);
        tcase_add_test(rules, what_cannot_be_held_says_why);
        suite_add_tcase(suite, rules);
}
