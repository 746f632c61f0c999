/* Processes that serve a shared listener. See echo_worker.h. */
#include "tests/support/echo_worker.h"

#include "client/kyron.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/support/short_connections.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- In the worker's process --------------------------------------------------------------- */

typedef struct Served {
        KyronTcpStream *stream;
        KyronOperation operation;
        bool again;
} Served;

static const EchoWorkerOptions *options;
static EchoWorkerState *state;
static KyronIoDriverHandle *handle;
static KyronEndpoint *endpoint;
static KyronOperation accepting;
static KyronTcpStream *accepted;
static unsigned in_hand;
static volatile sig_atomic_t stops;

static void give_up(int error)
{
        state->failure = error;
        fprintf(stderr, "echo worker %d: %s\n", (int)getpid(), kyron_error_text());
        _exit(1);
}

static void on_terminate(int signal_number)
{
        (void)signal_number;
        stops = 1;
        kyron_io_driver_handle_wake(handle);
}

static void work(void)
{
        const struct timespec time = {.tv_nsec = (long)options->work_us * 1000};

        if (options->work_us > 0)
                nanosleep(&time, NULL);
        if (options->work)
                options->work();
}

/* Answers, and then consumes what it has answered. */
static ssize_t serve(int fd, KyronOperation *operation)
{
        uint8_t bytes[SHORT_CONNECTION_BYTES];
        ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

        (void)operation;
        if (n < 0)
                return -errno;
        if (n == 0)
                return 0;
        if (n < (ssize_t)sizeof(bytes))
                return -EAGAIN;
        work();
        if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                return -errno;
        return recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
}

static void on_served(KyronOperation *operation)
{
        Served *served = operation->user;

        if (operation->result == SHORT_CONNECTION_BYTES) {
                state->served++;
                state->served_again += served->again;
        }
        kyron_tcp_stream_close(served->stream);
        free(served);
        in_hand--;
}

/* Every few connections, at random. */
static void move(void)
{
        static uint64_t seed;

        if (random_below(&seed, 8) == 0 &&
            kyron_io_driver_handle_set_delivery(handle, random_below(&seed, 2) == 0
                                                                ? KYRON_DELIVERY_RELAYED
                                                                : KYRON_DELIVERY_DIRECT) < 0)
                give_up(-EINVAL);
}

static void start_serving(KyronTcpStream *stream)
{
        Served *served = calloc(1, sizeof(*served));

        if (!served)
                give_up(-ENOMEM);
        if (options->moves)
                move();
        in_hand++;
        state->accepted++;
        served->stream = stream;
        served->again = kyron_tcp_stream_was_served_before(stream);
        kyron_operation_init(&served->operation, on_served, served);
        if (kyron_bridged_fd_async_call(kyron_tcp_stream_bridged_fd(stream), &served->operation,
                                        KYRON_READABLE, serve) != KYRON_PENDING) {
                /* At once, with whatever result. */
                on_served(&served->operation);
        }
}

static bool may_accept(void)
{
        return options->stop_after == 0 || state->accepted < options->stop_after;
}

static void accept_more(void)
{
        int r = 0;

        while (r == 0 && may_accept() && !stops) {
                r = kyron_endpoint_accept(endpoint, &accepting, &accepted);
                if (r == 0)
                        start_serving(accepted);
        }
        if (r < 0)
                give_up(r);
}

static void on_accepted(KyronOperation *operation)
{
        if (operation->result == -ECANCELED)
                return;
        if (operation->result < 0)
                give_up((int)operation->result);
        start_serving(accepted);
        accept_more();
}

static void on_joined(KyronOperation *operation)
{
        if (operation->result < 0)
                give_up((int)operation->result);
        snprintf(state->address, sizeof(state->address), "%s", kyron_endpoint_address(endpoint));
        kyron_operation_init(&accepting, on_accepted, NULL);
        accept_more();
        state->has_joined = true;
}

static void take_turns_until(const bool *condition)
{
        while (!*condition && !stops) {
                int r = kyron_io_driver_handle_process_io(handle, -1);

                if (r < 0 && r != -EINTR)
                        give_up(r);
        }
}

static void finish(void)
{
        kyron_endpoint_close(endpoint);
        do {
                int r = kyron_io_driver_handle_process_io(handle, in_hand > 0 ? 100 : 0);

                if (r < 0 && r != -EINTR)
                        give_up(r);
        } while (in_hand > 0);
        kyron_io_driver_handle_close(handle);
        exit(0);
}

static void be_worker(pid_t parent)
{
        const KyronListenerOptions listener = {
                .least_loaded = options->least_loaded,
                .when_readable = options->when_readable,
        };
        const KyronEndpointOptions join = {
                .name = options->name,
                .address = options->address,
                .listener = &listener,
                .weight = options->weight,
                .credits = options->credits,
                .keep_on_death = options->keep_on_death,
        };
        const KyronOptions library = {
                .socket_path = options->socket_path,
                .program = "echo_worker",
        };
        const struct sigaction stopping = {.sa_handler = on_terminate};
        const bool never = false;
        KyronOperation joining;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        r = kyron_io_driver_handle_open(&handle, &library);
        if (r < 0)
                give_up(r);
        sigaction(SIGTERM, &stopping, NULL);
        kyron_operation_init(&joining, on_joined, NULL);
        r = kyron_endpoint_join(&endpoint, handle, &join, &joining);
        if (r < 0)
                give_up(r);
        take_turns_until(&never);
        finish();
}

/* ---- In the test's process ----------------------------------------------------------------- */

void echo_worker_start(EchoWorker *worker, const EchoWorkerOptions *worker_options)
{
        pid_t parent = getpid();

        if (!worker->state) {
                worker->state = mmap(NULL, sizeof(*worker->state), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                ck_assert_ptr_ne(worker->state, MAP_FAILED);
        }
        worker->state->has_joined = false;
        fflush(NULL);
        worker->pid = fork();
        ck_assert_int_ge(worker->pid, 0);
        if (worker->pid == 0) {
                options = worker_options;
                state = worker->state;
                be_worker(parent);
        }
        ck_assert_msg(
                WAIT_UNTIL(worker->state->has_joined || worker->state->failure < 0, DEADLINE_MS) &&
                        worker->state->has_joined,
                "no worker: %s", strerror(-worker->state->failure));
}

struct sockaddr_in echo_worker_address(const EchoWorker *worker)
{
        struct sockaddr_in address = {.sin_family = AF_INET};
        unsigned port;

        ck_assert_int_eq(sscanf(worker->state->address, "tcp:127.0.0.1:%u", &port), 1);
        address.sin_port = htons((uint16_t)port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
}

void echo_worker_stop(EchoWorker *worker)
{
        int status;

        ck_assert_int_eq(kill(worker->pid, SIGTERM), 0);
        ck_assert_int_eq(waitpid(worker->pid, &status, 0), worker->pid);
        worker->pid = 0;
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a worker ended with %#x",
                      status);
}

void echo_worker_kill(EchoWorker *worker)
{
        int status;

        ck_assert_int_eq(kill(worker->pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(worker->pid, &status, 0), worker->pid);
        worker->pid = 0;
        ck_assert_msg(WIFSIGNALED(status), "a worker had ended by itself with %#x", status);
}

void echo_worker_clean_up(EchoWorker *worker)
{
        if (worker->pid > 0)
                echo_worker_kill(worker);
        if (worker->state)
                munmap(worker->state, sizeof(*worker->state));
        *worker = (EchoWorker){.pid = 0};
}
