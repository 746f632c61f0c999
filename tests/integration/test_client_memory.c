/*
 * A client whose malloc fails: whichever allocation of the library's it is, the call or operation
 * it was for ends with -ENOMEM, and everything else goes on.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/own_malloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static ConfigFile config;

/* What happened while allocations could fail; check's own assertions allocate. */
static int wants;        /* how often it was said that there is no memory */
static int other_error;  /* a negative errno that should not have been */
static const char *what; /* was being done then */

static void set_up(void)
{
        const char *options[] = {"--config", config.path, NULL};

        config_file_make(&config);
        config_file_write(&config,
                          "policy \"user:%u\" {\n"
                          "        listen = {\"tcp:127.0.0.1:*\"}\n"
                          "        connect = {\"tcp:127.0.0.1:*\"}\n"
                          "        bind = {\"udp:127.0.0.1:*\"}\n"
                          "        hold = {\"*\"}\n"
                          "}\n",
                          (unsigned)geteuid());
        test_daemon_start(&kyron_iod, options);
        wants = other_error = 0;
        what = "";
}

static void tear_down(void)
{
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
}

static void on_completion(KyronOperation *operation)
{
        *(bool *)operation->user = true;
}

/* Whether it went well; or there was no memory, which is all that may be. */
static bool went_well(int r, const char *doing)
{
        if (r >= 0)
                return true;
        if (r == -ENOMEM) {
                wants++;
        } else if (other_error == 0) {
                other_error = r;
                what = doing;
        }
        return false;
}

/* The same of an operation that a call has begun, or has not. */
static bool ended_well(KyronIoDriverHandle *handle, KyronOperation *operation, const bool *done,
                       int r, const char *doing)
{
        Deadline end = deadline_in(DEADLINE_MS);

        if (r != KYRON_PENDING)
                return went_well(r, doing);
        while (!*done && deadline_left(end) > 0) {
                r = kyron_io_driver_handle_process_io(handle, 20);
                if (!went_well(r, doing) && r != -ENOMEM)
                        return false;
        }
        return went_well(*done ? (int)operation->result : -ETIMEDOUT, doing);
}

#define ENDED_WELL(handle, call, doing)                                                            \
        ({                                                                                         \
                bool done_ = false;                                                                \
                int r_;                                                                            \
                kyron_operation_init(&operation, on_completion, &done_);                           \
                r_ = (call);                                                                       \
                ended_well(handle, &operation, &done_, r_, doing);                                 \
        })

static void wait_for_an_eventfd(KyronIoDriverHandle *handle)
{
        KyronBridgedFd *bridged;
        KyronOperation operation;
        uint64_t value;
        bool done = false;
        int r;

        r = kyron_bridged_fd_new(&bridged, handle, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!went_well(r, "an eventfd"))
                return;
        kyron_operation_init(&operation, on_completion, &done);
        r = kyron_bridged_fd_read(bridged, &operation, &value, sizeof(value));
        if (r == KYRON_PENDING)
                went_well(kyron_io_driver_handle_process_io(handle, 0), "registering");
        eventfd_write(kyron_bridged_fd_fd(bridged), 1);
        ended_well(handle, &operation, &done, r, "waiting for it");
        kyron_bridged_fd_close(bridged);
}

static void have_it_hold(KyronIoDriverHandle *handle)
{
        KyronOperation operation;
        KyronHeld held;
        int fd = eventfd(0, EFD_CLOEXEC);

        if (ENDED_WELL(handle, kyron_hold(handle, fd, "thing", "note", 4, 60000, &operation),
                       "holding")) {
                /* Once more, where it was not taken for want of memory: the next scene holds it. */
                for (int i = 0; i < 2; i++) {
                        if (!ENDED_WELL(handle, kyron_take_held(handle, "thing", &operation, &held),
                                        "taking what is held"))
                                continue;
                        close(held.fd);
                        close(held.note_fd);
                        break;
                }
        }
        close(fd);
}

static int dial(const char *address)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port = 0;

        sscanf(address, "tcp:127.0.0.1:%u", &port);
        there.sin_port = htons((uint16_t)port);
        if (connect(fd, (struct sockaddr *)&there, sizeof(there)) < 0)
                went_well(-errno, "dialling");
        return fd;
}

static void serve_and_connect(KyronIoDriverHandle *handle)
{
        static const KyronEndpointOptions options = {
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .keep_on_death = true,
                .credits = 4,
        };
        KyronEndpoint *endpoint = NULL;
        KyronTcpStream *stream = NULL;
        KyronOperation operation;
        int peer;

        if (!ENDED_WELL(handle, kyron_endpoint_join(&endpoint, handle, &options, &operation),
                        "joining"))
                return;
        peer = dial(kyron_endpoint_address(endpoint));
        /* What there was no memory for can be accepted the second time. */
        for (int i = 0; i < 2 && !stream; i++)
                ENDED_WELL(handle, kyron_endpoint_accept(endpoint, &operation, &stream),
                           "accepting");
        if (stream)
                ENDED_WELL(handle, kyron_tcp_stream_keep(stream, "note", 4, &operation), "keeping");
        kyron_tcp_stream_close(stream);
        stream = NULL;
        if (ENDED_WELL(handle,
                       kyron_tcp_stream_connect_to(&stream, handle,
                                                   kyron_endpoint_address(endpoint), 0, &operation),
                       "connecting"))
                kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(peer);
}

static void bind_and_take(KyronIoDriverHandle *handle)
{
        KyronOperation operation;
        KyronTcpListener *listener;
        KyronUdpSocket *udp;

        if (ENDED_WELL(handle,
                       kyron_udp_socket_bind_to(&udp, handle, "udp:127.0.0.1:0", &operation),
                       "binding"))
                kyron_udp_socket_close(udp);
        if (ENDED_WELL(handle,
                       kyron_tcp_listener_take(&listener, handle, "taken", "tcp:127.0.0.1:0", NULL,
                                               &operation),
                       "taking a listener"))
                kyron_tcp_listener_close(listener);
}

static void use_library(void)
{
        const KyronOptions options = {.socket_path = kyron_iod.socket_path};
        KyronIoDriverHandle *handle;
        KyronTimer *timer;

        if (!went_well(kyron_io_driver_handle_open(&handle, &options), "opening"))
                return;
        wait_for_an_eventfd(handle);
        if (went_well(kyron_timer_new(&timer, handle), "a timer"))
                kyron_timer_close(timer);
        have_it_hold(handle);
        serve_and_connect(handle);
        bind_and_take(handle);
        kyron_io_driver_handle_close(handle);
}

START_TEST(whichever_allocation_fails_only_what_it_was_for_does)
{
        bool failed = true;
        size_t before;
        int told = 0;

        if (!own_malloc_works())
                SKIP_TEST("malloc is not this program's own here");
        use_library();
        ck_assert_msg(other_error == 0 && wants == 0, "%s: %d", what, other_error);
        before = count_descriptors();
        for (int n = 1; failed; n++) {
                wants = 0;
                own_malloc_countdown = n;
                use_library();
                failed = own_malloc_countdown == 0;
                own_malloc_countdown = 0;
                ck_assert_msg(other_error == 0, "allocation %d, %s: %s", n, what,
                              strerror(-other_error));
                /* Without some of its credits an endpoint makes do. */
                ck_assert_int_le(wants, failed ? 1 : 0);
                told += wants;
                ck_assert_uint_eq(count_descriptors(), before);
        }
        ck_assert_int_gt(told, 10);
}
END_TEST

TEST_SUITE(test_client_memory)
{
        TCase *tcase = tcase_create("client_memory");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, whichever_allocation_fails_only_what_it_was_for_does);
        suite_add_tcase(suite, tcase);
}
