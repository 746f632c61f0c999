/*
 * Another thread may complete an operation before the call that started it has returned, and its
 * completion may close the object and free the operation: the call touches neither once it has let
 * go of the lock.
 *
 * So whoever starts one here is held up each time it unlocks, until the completion has run in the
 * thread of process_io, and what is freed is overwritten.
 */
#include "tests/support/client.h"
#include "tests/support/config_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { HELD_UP_MS = 200 };

static TestDaemon kyron_iod;
static ConfigFile config;
static KyronIoDriverHandle *handle;
static pthread_t driver;
static atomic_bool stop;
static atomic_int completions;

/* In the thread that starts an operation: it is held up, and what is done first then. */
static _Thread_local bool is_held_up;
static void (*meanwhile)(void);

int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
        int r = __real_pthread_mutex_unlock(mutex);

        if (is_held_up) {
                is_held_up = false;
                if (meanwhile)
                        meanwhile();
                WAIT_UNTIL(completions > 0, HELD_UP_MS);
                is_held_up = completions == 0;
        }
        return r;
}

static void *drive(void *unused)
{
        while (!stop)
                kyron_io_driver_handle_process_io(handle, 20);
        return unused;
}

static void set_up(void)
{
        const char *options[] = {"--config", config.path, NULL};

        mallopt(M_PERTURB, 0xa5);
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
        handle = open_handle(&kyron_iod);
        completions = 0;
        meanwhile = NULL;
        stop = false;
        ck_assert_int_eq(pthread_create(&driver, NULL, drive, NULL), 0);
}

static void tear_down(void)
{
        stop = true;
        kyron_io_driver_handle_wake(handle);
        pthread_join(driver, NULL);
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
        config_file_remove(&config);
}

/* ---- Operations that end with all they are about ------------------------------------------- */

typedef struct Ending {
        KyronOperation operation;
        void (*close)(void *object);
        void **object; /* where it is once the operation has succeeded */
        ssize_t result;
} Ending;

static ssize_t last_result;
static void *object;

static void end(KyronOperation *operation)
{
        Ending *ending = operation->user;

        last_result = operation->result;
        if (ending->close && *ending->object)
                ending->close(*ending->object);
        free(ending);
        atomic_fetch_add(&completions, 1);
}

static Ending *new_ending(void (*close)(void *object))
{
        Ending *ending = malloc(sizeof(*ending));

        ck_assert_ptr_nonnull(ending);
        *ending = (Ending){.close = close, .object = &object};
        kyron_operation_init(&ending->operation, end, ending);
        return ending;
}

/* Its operation, ending, is started by a call that is held up: it has ended well when that returns.
 */
#define ENDS_MEANWHILE(closing, call)                                                              \
        do {                                                                                       \
                Ending *ending = new_ending(closing);                                              \
                int r_;                                                                            \
                is_held_up = true;                                                                 \
                r_ = (call);                                                                       \
                is_held_up = false;                                                                \
                ck_assert_msg(r_ == KYRON_PENDING, "%d: %s", r_, kyron_error_text());              \
                ck_assert(WAIT_UNTIL(completions == 1, DEADLINE_MS));                              \
                ck_assert_int_ge(last_result, 0);                                                  \
                completions = 0;                                                                   \
                meanwhile = NULL;                                                                  \
        } while (0)

/* Waits until it has ended well. */
static void finish(Ending *ending, int r)
{
        ck_assert_int_ge(r, 0);
        if (r == KYRON_PENDING)
                ck_assert(WAIT_UNTIL(completions == 1, DEADLINE_MS));
        else
                end(&ending->operation);
        ck_assert_int_eq(last_result, 0);
        completions = 0;
}

static void close_tcp_stream(void *stream)
{
        kyron_tcp_stream_close(stream);
}

static void close_bridged_fd(void *bridged_fd)
{
        kyron_bridged_fd_close(bridged_fd);
}

static void close_endpoint(void *endpoint)
{
        kyron_endpoint_close(endpoint);
}

static void close_udp_socket(void *socket)
{
        kyron_udp_socket_close(socket);
}

static void close_listener(void *listener)
{
        kyron_tcp_listener_close(listener);
}

/* ---- Descriptors --------------------------------------------------------------------------- */

static int writer;
static char byte;

static void write_byte(void)
{
        put_byte(writer);
        meanwhile = NULL;
}

static void make_reader(void)
{
        int ends[2];

        pipe_pair(ends);
        writer = ends[1];
        ck_assert_int_eq(kyron_bridged_fd_new((KyronBridgedFd **)&object, handle, ends[0]), 0);
}

START_TEST(a_read)
{
        make_reader();
        meanwhile = write_byte;
        ENDS_MEANWHILE(close_bridged_fd,
                       kyron_bridged_fd_read(object, &ending->operation, &byte, 1));
        close(writer);
}
END_TEST

START_TEST(a_close_of_what_is_waited_for)
{
        KyronBridgedFd *reader;

        make_reader();
        reader = object;
        object = NULL;
        ck_assert_int_eq(kyron_bridged_fd_read(reader, &new_ending(NULL)->operation, &byte, 1),
                         KYRON_PENDING);
        is_held_up = true;
        kyron_bridged_fd_close(reader);
        is_held_up = false;
        ck_assert(WAIT_UNTIL(completions == 1, DEADLINE_MS));
        ck_assert_int_eq(last_result, -ECANCELED);
        close(writer);
}
END_TEST

static void wake(KyronWaker *waker)
{
        KyronAsyncRegistration *registration = waker->user;

        free(waker);
        while (kyron_async_registration_remove(registration) == -EAGAIN)
                ;
        atomic_fetch_add(&completions, 1);
}

START_TEST(a_request_for_readiness)
{
        KyronAsyncRegistration *registration;
        KyronWaker *waker = calloc(1, sizeof(*waker));
        KyronReadyEvent event;
        int ends[2];

        pipe_pair(ends);
        writer = ends[1];
        ck_assert_int_eq(kyron_async_registration_new(&registration, handle, ends[0]), 0);
        *waker = (KyronWaker){.wake = wake, .user = registration};
        ck_assert_int_eq(kyron_async_registration_request_readiness(registration, KYRON_READABLE,
                                                                    waker, &event),
                         0);
        kyron_async_registration_clear_readiness(registration, &event, KYRON_READABLE);
        meanwhile = write_byte;
        is_held_up = true;
        ck_assert_int_eq(kyron_async_registration_request_readiness(registration, KYRON_READABLE,
                                                                    waker, &event),
                         KYRON_PENDING);
        is_held_up = false;
        ck_assert(WAIT_UNTIL(completions == 1, DEADLINE_MS));
        close(ends[0]);
        close(ends[1]);
}
END_TEST

/* ---- Requests ------------------------------------------------------------------------------ */

static struct sockaddr_in there;

static int dial(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        return fd;
}

static KyronEndpoint *join(void)
{
        static const KyronEndpointOptions options = {
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .keep_on_death = true,
        };
        KyronEndpoint *endpoint;
        Ending *ending = new_ending(NULL);
        unsigned port = 0;

        finish(ending, kyron_endpoint_join(&endpoint, handle, &options, &ending->operation));
        sscanf(kyron_endpoint_address(endpoint), "tcp:127.0.0.1:%u", &port);
        there = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        return endpoint;
}

START_TEST(a_join)
{
        static const KyronEndpointOptions options = {.name = "web", .address = "tcp:127.0.0.1:0"};

        ENDS_MEANWHILE(close_endpoint, kyron_endpoint_join((KyronEndpoint **)&object, handle,
                                                           &options, &ending->operation));
}
END_TEST

static int dialled;

/* It has looked once whether there is a connection. */
static void dial_meanwhile(void)
{
        static int unlocked;

        if (++unlocked == 1)
                return;
        dialled = dial();
        meanwhile = NULL;
}

START_TEST(an_accept)
{
        KyronEndpoint *endpoint = join();
        KyronTcpStream *stream;

        object = endpoint;
        meanwhile = dial_meanwhile;
        ENDS_MEANWHILE(close_endpoint,
                       kyron_endpoint_accept(endpoint, &ending->operation, &stream));
        kyron_tcp_stream_close(stream);
        close(dialled);
}
END_TEST

START_TEST(a_keep)
{
        KyronEndpoint *endpoint = join();
        Ending *accepting = new_ending(NULL);
        int fd = dial();

        finish(accepting,
               kyron_endpoint_accept(endpoint, &accepting->operation, (KyronTcpStream **)&object));
        ENDS_MEANWHILE(close_tcp_stream,
                       kyron_tcp_stream_keep(object, "note", 4, &ending->operation));
        kyron_endpoint_close(endpoint);
        close(fd);
}
END_TEST

START_TEST(a_connect)
{
        KyronEndpoint *endpoint = join();

        ENDS_MEANWHILE(close_tcp_stream,
                       kyron_tcp_stream_connect_to((KyronTcpStream **)&object, handle,
                                                   kyron_endpoint_address(endpoint), 0,
                                                   &ending->operation));
        kyron_endpoint_close(endpoint);
}
END_TEST

START_TEST(a_bind_and_a_take)
{
        ENDS_MEANWHILE(close_udp_socket,
                       kyron_udp_socket_bind_to((KyronUdpSocket **)&object, handle,
                                                "udp:127.0.0.1:0", &ending->operation));
        ENDS_MEANWHILE(close_listener,
                       kyron_tcp_listener_take((KyronTcpListener **)&object, handle, "taken",
                                               "tcp:127.0.0.1:0", NULL, &ending->operation));
}
END_TEST

START_TEST(a_hold_and_its_taking_back)
{
        KyronHeld held;
        int fd = eventfd(0, EFD_CLOEXEC);

        ENDS_MEANWHILE(NULL, kyron_hold(handle, fd, "thing", "note", 4, 60000, &ending->operation));
        close(fd);
        ENDS_MEANWHILE(NULL, kyron_take_held(handle, "thing", &ending->operation, &held));
        close(held.fd);
        close(held.note_fd);
}
END_TEST

START_TEST(an_endpoints_close)
{
        KyronEndpoint *endpoint = join();
        KyronTcpStream *stream;

        ck_assert_int_eq(kyron_endpoint_accept(endpoint, &new_ending(NULL)->operation, &stream),
                         KYRON_PENDING);
        is_held_up = true;
        kyron_endpoint_close(endpoint);
        is_held_up = false;
        ck_assert(WAIT_UNTIL(completions == 1, DEADLINE_MS));
        ck_assert_int_eq(last_result, -ECANCELED);
}
END_TEST

TEST_SUITE(test_letting_go)
{
        TCase *tcase = tcase_create("letting go");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, a_read);
        tcase_add_test(tcase, a_close_of_what_is_waited_for);
        tcase_add_test(tcase, a_request_for_readiness);
        tcase_add_test(tcase, a_join);
        tcase_add_test(tcase, an_accept);
        tcase_add_test(tcase, a_keep);
        tcase_add_test(tcase, a_connect);
        tcase_add_test(tcase, a_bind_and_a_take);
        tcase_add_test(tcase, a_hold_and_its_taking_back);
        tcase_add_test(tcase, an_endpoints_close);
        suite_add_tcase(suite, tcase);
}
