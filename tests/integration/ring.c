/* Processes that echo for each other. See ring.h. */
#include "tests/integration/ring.h"

#include "tests/support/client.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        MESSAGE_MAX = 6000,
        /* Small enough for a long message to fill it. */
        SEND_BUFFER = 2304,
        DELAY_MAX_US = 2000,
        /* No progress for so long: a wakeup was lost. */
        STUCK_MS = 20000,
        PROCESS_MS = 600000,
        /* After so many moves it has been direct. */
        MOVES_MANY = 100,
};

typedef struct Process Process;

/* One end of one connection. */
typedef struct End {
        pthread_mutex_t lock;
        Process *process;
        KyronBridgedFd *bridged_fd; /* NULL: finished */
        KyronOperation operation;
        TAILQ_ENTRY(End) delay_link;
        Deadline resume_at;
        int round; /* the connecting end's */
        bool is_echo, waits, writes;
        size_t size, done;
        uint8_t message[MESSAGE_MAX];
} End;

struct Process {
        int number, connections, rounds;
        bool moves;
        KyronIoDriverHandle *handle;
        KyronBridgedFd *listener;
        KyronOperation accept;
        End *ends; /* the connecting ones first */
        atomic_int accepted, finished;
        atomic_ulong round_trips, won, lost;
        unsigned long moves_made;   /* the meddler's */
        unsigned long found_direct; /* the worker's */
        pthread_mutex_t delay_lock;
        TAILQ_HEAD(, End) delayed;
};

static _Thread_local uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 17;
        random_state ^= random_state << 5;
        return random_state % limit;
}

static _Noreturn void give_up(const Process *process, const char *what, int error)
{
        fprintf(stderr, "process %d: %s: %s (%s)\n", process->number, what, strerror(-error),
                kyron_error_text());
        _exit(1);
}

/* ---- One end ------------------------------------------------------------------------------- */

static uint8_t pattern(const End *end, size_t at)
{
        return (uint8_t)((size_t)end->round * 31 + at * 7 + (size_t)(end - end->process->ends));
}

static void next_message(End *end)
{
        end->size = 1 + random_below(random_below(50) == 0 ? MESSAGE_MAX : 200);
        end->done = 0;
        end->writes = true;
        for (size_t i = 0; i < end->size; i++)
                end->message[i] = pattern(end, i);
}

static void delay(End *end)
{
        Process *process = end->process;

        end->resume_at = deadline_in((int)random_below(DELAY_MAX_US) / 1000);
        pthread_mutex_lock(&process->delay_lock);
        TAILQ_INSERT_TAIL(&process->delayed, end, delay_link);
        pthread_mutex_unlock(&process->delay_lock);
        /* The worker may be waiting, and this be the meddler. */
        kyron_io_driver_handle_wake(process->handle);
}

static void finish(End *end)
{
        kyron_bridged_fd_close(end->bridged_fd);
        end->bridged_fd = NULL;
        atomic_fetch_add(&end->process->finished, 1);
        kyron_io_driver_handle_wake(end->process->handle);
}

/* Takes in what a read or write of n bytes did. False: nothing to go on with now. */
static bool advance(End *end, size_t n)
{
        if (end->writes) {
                end->done += n;
                end->writes = end->done < end->size;
                if (!end->writes)
                        end->done = 0;
                return true;
        }
        if (end->is_echo) {
                if (n == 0) {
                        finish(end);
                        return false;
                }
                end->size = n;
                end->writes = true;
        } else {
                if (n == 0)
                        give_up(end->process, "end of file in the middle", 0);
                for (size_t i = 0; i < n; i++) {
                        if (end->message[end->done + i] != pattern(end, end->done + i))
                                give_up(end->process, "an echo differs", 0);
                }
                end->done += n;
                if (end->done < end->size)
                        return true;
                atomic_fetch_add(&end->process->round_trips, 1);
                if (++end->round == end->process->rounds) {
                        finish(end);
                        return false;
                }
                next_message(end);
        }
        if (random_below(8) != 0)
                return true;
        delay(end);
        return false;
}

/* Goes on until it has to wait. The end's lock is held. */
static void go_on(End *end)
{
        int r;

        do {
                if (end->writes)
                        r = kyron_bridged_fd_write(end->bridged_fd, &end->operation,
                                                   end->message + end->done, end->size - end->done);
                else
                        r = kyron_bridged_fd_read(
                                end->bridged_fd, &end->operation, end->message + end->done,
                                end->is_echo ? MESSAGE_MAX : end->size - end->done);
                if (r < 0)
                        give_up(end->process, "an operation failed at once", r);
                end->waits = r == KYRON_PENDING;
        } while (r == 0 && advance(end, (size_t)end->operation.result));
}

/* Cancels what the end waits for, wherever it has got to, and starts it again. Lock held. */
static void meddle(End *end)
{
        int r;

        if (!end->bridged_fd || !end->waits)
                return;
        r = kyron_operation_cancel(&end->operation);
        if (r == 0) {
                atomic_fetch_add(&end->process->won, 1);
                go_on(end);
        } else if (r == -EALREADY) {
                atomic_fetch_add(&end->process->lost, 1);
        } else {
                give_up(end->process, "cancel", r);
        }
}

static End *random_end(Process *process)
{
        int count = process->connections + atomic_load(&process->accepted);

        return &process->ends[random_below((uint32_t)count)];
}

/* The worker meddles too, from within completions, where others are woken but have not run. */
static void meddle_with_another(Process *process)
{
        End *end = random_end(process);

        if (pthread_mutex_trylock(&end->lock) != 0)
                return;
        meddle(end);
        pthread_mutex_unlock(&end->lock);
}

static void on_end(KyronOperation *operation)
{
        End *end = operation->user;

        if (random_below(16) == 0)
                meddle_with_another(end->process);
        pthread_mutex_lock(&end->lock);
        end->waits = false;
        if (operation->result == -ECANCELED)
                go_on(end);
        else if (operation->result < 0)
                give_up(end->process, "an operation failed", (int)operation->result);
        else if (advance(end, (size_t)operation->result))
                go_on(end);
        pthread_mutex_unlock(&end->lock);
}

static void start_end(End *end, int take_fd)
{
        const int size = SEND_BUFFER;

        setsockopt(take_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        pthread_mutex_lock(&end->lock);
        kyron_operation_init(&end->operation, on_end, end);
        if (kyron_bridged_fd_new(&end->bridged_fd, end->process->handle, take_fd) < 0)
                give_up(end->process, "a bridged descriptor", -EINVAL);
        if (!end->is_echo)
                next_message(end);
        go_on(end);
        pthread_mutex_unlock(&end->lock);
}

/* ---- One process --------------------------------------------------------------------------- */

static ssize_t do_accept(int borrow_fd, KyronOperation *operation)
{
        int fd = accept4(borrow_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        (void)operation;
        return fd < 0 ? -errno : fd;
}

static void on_accept(KyronOperation *operation)
{
        Process *process = operation->user;
        ssize_t fd = operation->result;
        int r = 0;

        do {
                int accepted = atomic_load(&process->accepted);

                if (fd < 0)
                        give_up(process, "accept", (int)fd);
                process->ends[process->connections + accepted].is_echo = true;
                atomic_store(&process->accepted, accepted + 1);
                start_end(&process->ends[process->connections + accepted], (int)fd);
                if (accepted + 1 == process->connections)
                        return;
                r = kyron_bridged_fd_async_call(process->listener, operation, KYRON_READABLE,
                                                do_accept);
                fd = operation->result;
        } while (r == 0);
        if (r < 0)
                give_up(process, "accept", r);
}

static bool all_finished(Process *process)
{
        return atomic_load(&process->finished) == 2 * process->connections;
}

/* The registrations to the daemon or to this process, wherever they are. */
static void move(Process *process)
{
        static const KyronDelivery deliveries[] = {
                KYRON_DELIVERY_RELAYED,
                KYRON_DELIVERY_DIRECT,
        };
        int r = kyron_io_driver_handle_set_delivery(process->handle, deliveries[random_below(2)]);

        if (r < 0)
                give_up(process, "a move", r);
        process->moves_made++;
}

static void *run_meddler(void *data)
{
        Process *process = data;

        random_state = 7919u * (uint32_t)(process->number + 1);
        while (!all_finished(process)) {
                const struct timespec pause = {.tv_nsec = random_below(300000)};

                if (process->moves && random_below(16) == 0)
                        move(process);
                for (int i = 0; i < 4; i++) {
                        End *end = random_end(process);

                        pthread_mutex_lock(&end->lock);
                        meddle(end);
                        pthread_mutex_unlock(&end->lock);
                }
                nanosleep(&pause, NULL);
        }
        return NULL;
}

/* Returns whether there are more to come. */
static bool resume_delayed(Process *process)
{
        End *end;

        for (;;) {
                pthread_mutex_lock(&process->delay_lock);
                end = TAILQ_FIRST(&process->delayed);
                if (!end || deadline_left(end->resume_at) > 0) {
                        pthread_mutex_unlock(&process->delay_lock);
                        return end != NULL;
                }
                TAILQ_REMOVE(&process->delayed, end, delay_link);
                pthread_mutex_unlock(&process->delay_lock);
                pthread_mutex_lock(&end->lock);
                go_on(end);
                pthread_mutex_unlock(&end->lock);
        }
}

static void say_who_is_stuck(Process *process)
{
        int shown = 0;

        for (int i = 0; i < 2 * process->connections && shown < 10; i++) {
                const End *end = &process->ends[i];

                if (!end->bridged_fd)
                        continue;
                fprintf(stderr,
                        "process %d: end %d, %s, round %d, %zu of %zu, %s %s, readiness %d\n",
                        process->number, i, end->is_echo ? "echo" : "connecting", end->round,
                        end->done, end->size, end->waits ? "waits to" : "does not",
                        end->writes ? "write" : "read",
                        wait_for_events(kyron_bridged_fd_fd(end->bridged_fd), POLLIN | POLLOUT, 0));
                shown++;
        }
}

static void run_worker(Process *process)
{
        Deadline stuck = deadline_in(STUCK_MS);
        unsigned long round_trips = 0;

        while (!all_finished(process)) {
                int r = kyron_io_driver_handle_process_io(process->handle,
                                                          resume_delayed(process) ? 1 : STUCK_MS);

                if (r < 0 && r != -EINTR)
                        give_up(process, "process_io", r);
                if (atomic_load(&process->round_trips) != round_trips || r > 0) {
                        round_trips = atomic_load(&process->round_trips);
                        stuck = deadline_in(STUCK_MS);
                } else if (deadline_left(stuck) == 0) {
                        say_who_is_stuck(process);
                        give_up(process, "stuck", -ETIMEDOUT);
                }
        }
}

static void start_connections(Process *process, const struct sockaddr_in *neighbour)
{
        for (int i = 0; i < process->connections; i++) {
                int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

                if (fd < 0 ||
                    connect(fd, (const struct sockaddr *)neighbour, sizeof(*neighbour)) < 0)
                        give_up(process, "connect", -errno);
                start_end(&process->ends[i], fd);
        }
}

static void on_served_by(KyronIoDriverHandle *handle, KyronServedBy by, void *user)
{
        Process *process = user;

        (void)handle;
        process->found_direct += by == KYRON_SERVED_DIRECTLY;
}

/* The daemon may be dead just now, and is back soon. */
static int open_ring_handle(Process *process, const char *socket_path)
{
        const KyronOptions options = {
                .socket_path = socket_path,
                .program = "ring",
                .local_fallback = process->moves && process->number % 2 == 0,
                /* On a busy machine it may be long until one is met that lives. */
                .outage_ms = PROCESS_MS,
                .served_by_changed = on_served_by,
                .user = process,
        };
        Deadline end = deadline_in(PROCESS_MS);
        int r;

        do
                r = kyron_io_driver_handle_open(&process->handle, &options);
        while (r < 0 && process->moves && deadline_left(end) > 0);
        return r;
}

static _Noreturn void run_process(Process *process, const char *socket_path, int take_listener,
                                  const struct sockaddr_in *neighbour)
{
        pthread_t meddler;
        int r;

        random_state = 104729u * (uint32_t)(process->number + 1);
        pthread_mutex_init(&process->delay_lock, NULL);
        TAILQ_INIT(&process->delayed);
        process->ends = calloc((size_t)process->connections * 2, sizeof(*process->ends));
        for (int i = 0; i < 2 * process->connections; i++) {
                pthread_mutex_init(&process->ends[i].lock, NULL);
                process->ends[i].process = process;
        }
        r = open_ring_handle(process, socket_path);
        if (r == 0)
                r = kyron_bridged_fd_new(&process->listener, process->handle, take_listener);
        if (r < 0)
                give_up(process, "open", r);
        kyron_operation_init(&process->accept, on_accept, process);
        r = kyron_bridged_fd_async_call(process->listener, &process->accept, KYRON_READABLE,
                                        do_accept);
        if (r == 0)
                on_accept(&process->accept);
        start_connections(process, neighbour);
        if (pthread_create(&meddler, NULL, run_meddler, process) != 0)
                give_up(process, "a thread", -EAGAIN);
        run_worker(process);
        pthread_join(meddler, NULL);
        printf("process %d: %lu round trips, cancels: %lu won, %lu lost; %lu moves, %lu times it "
               "was direct\n",
               process->number, atomic_load(&process->round_trips), atomic_load(&process->won),
               atomic_load(&process->lost), process->moves_made, process->found_direct);
        fflush(stdout);
        if (process->moves_made >= MOVES_MANY && process->found_direct == 0)
                give_up(process, "it was never direct", 0);
        kyron_bridged_fd_close(process->listener);
        kyron_io_driver_handle_close(process->handle);
        for (int i = 0; i < 2 * process->connections; i++)
                pthread_mutex_destroy(&process->ends[i].lock);
        free(process->ends);
        _exit(0);
}

/* ---- The ring ------------------------------------------------------------------------------ */

static int listen_on_loopback(int backlog, struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof(*address);

        *address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
        ck_assert_int_eq(listen(fd, backlog), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &size), 0);
        return fd;
}

/* Until the process has ended. Meanwhile the daemon is killed again and again, if it is to be. */
static void await_process(TestDaemon *daemon, const Ring *ring, pid_t child, int number)
{
        /* A slow one needs some of its life to be back for so many. */
        const int life_ms_max = scaled(50, 50, BUILT_WITH_SANITIZER ? 500 : 50);
        const int patience_ms =
                ring->moves ? 1 + (int)random_below((uint32_t)life_ms_max) : PROCESS_MS;
        Deadline end = deadline_in(PROCESS_MS);
        int status;

        while (!wait_exit(child, patience_ms, &status)) {
                ck_assert_msg(deadline_left(end) > 0, "process %d does not end", number);
                test_daemon_crash(daemon);
                test_daemon_start_again(daemon, NULL);
        }
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                      "process %d ended with status %#x", number, status);
}

static void run_once(TestDaemon *daemon, const Ring *ring)
{
        int listeners[RING_PROCESSES_MAX];
        struct sockaddr_in addresses[RING_PROCESSES_MAX];
        pid_t children[RING_PROCESSES_MAX];
        pid_t parent = getpid();

        fflush(NULL);
        for (int i = 0; i < ring->processes; i++)
                listeners[i] = listen_on_loopback(ring->connections, &addresses[i]);
        for (int i = 0; i < ring->processes; i++) {
                Process process = {
                        .number = i,
                        .connections = ring->connections,
                        .rounds = ring->rounds,
                        .moves = ring->moves,
                };

                children[i] = fork();
                ck_assert_int_ge(children[i], 0);
                if (children[i] > 0)
                        continue;
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (getppid() != parent)
                        _exit(1);
                run_process(&process, daemon->socket_path, listeners[i],
                            &addresses[(i + 1) % ring->processes]);
        }
        for (int i = 0; i < ring->processes; i++)
                close(listeners[i]);
        for (int i = 0; i < ring->processes; i++)
                await_process(daemon, ring, children[i], i);
}

void ring_run(const Ring *ring)
{
        TestDaemon daemon;

        random_state = 15485863u;
        unlimit_descriptors();
        test_daemon_start(&daemon, NULL);
        for (int run = 0; run < ring->runs; run++) {
                Deadline start = deadline_in(0);

                run_once(&daemon, ring);
                printf("run %d: %d processes x %d connections x %d round trips in %lld ms\n",
                       run + 1, ring->processes, ring->connections, ring->rounds,
                       (long long)(deadline_in(0) - start));
        }
        test_daemon_stop(&daemon);
}
