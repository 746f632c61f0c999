/*
 * echo_server: sends back what it receives, over TCP, UDP and Unix streams, all on one handle.
 *
 * It is made of tasks (see task.h): one accepts TCP connections, one Unix connections, one serves
 * UDP, and each connection is one (echo_connection.h).
 */
#include "echo_connection.h"
#include "echo_options.h"
#include "task.h"

#include <errno.h>
#include <kyron.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
        DATAGRAM_BUFFER = 64 * 1024, /* no datagram is longer */
        UDP_QUEUE = 1024 * 1024,     /* a burst the kernel shall keep for us; it may keep less */
        PAUSE_NS = 100 * 1000 * 1000,
};

static KyronIoDriverHandle *handle;
static volatile sig_atomic_t stop;
static int exit_code = EXIT_SUCCESS;

/* Ends the server, with the library's word on why. */
static void give_up(const char *what)
{
        if (!stop)
                fprintf(stderr, "echo_server: %s: %s\n", what, kyron_error_text());
        exit_code = EXIT_FAILURE;
        stop = 1;
}

/* ---- Acceptors ----------------------------------------------------------------------------- */

/*
 * At the limit of open files, accepting again at once fails again at once, and the connection
 * that could not be accepted makes no further event. So it pauses, by a timer it has had from the
 * beginning: then there may be no descriptor for one.
 */
typedef struct Acceptor {
        Task task;
        KyronTcpListener *tcp;            /* either */
        KyronUnixListener *unix_listener; /* or */
        KyronEndpoint *endpoint;          /* or, for tcp, the daemon's */
        bool keeps;                       /* on death, what comes from the endpoint */
        KyronTcpStream *accepted_tcp;
        KyronUnixStream *accepted_unix;
        KyronTimer *timer;
        bool pauses;
} Acceptor;

static int acceptor_start(Task *task)
{
        Acceptor *acceptor = (Acceptor *)task;

        if (acceptor->pauses)
                return kyron_timer_wait(acceptor->timer, &task->operation);
        if (acceptor->endpoint)
                return kyron_endpoint_accept(acceptor->endpoint, &task->operation,
                                             &acceptor->accepted_tcp);
        if (acceptor->tcp)
                return kyron_tcp_listener_accept(acceptor->tcp, &task->operation,
                                                 &acceptor->accepted_tcp);
        return kyron_unix_listener_accept(acceptor->unix_listener, &task->operation,
                                          &acceptor->accepted_unix);
}

static bool acceptor_take(Task *task, ssize_t result)
{
        Acceptor *acceptor = (Acceptor *)task;

        if (result >= 0 && acceptor->pauses) {
                acceptor->pauses = false;
                return true;
        }
        switch (result) {
        case 0:
                echo_connection_new(acceptor->accepted_tcp, acceptor->accepted_unix,
                                    acceptor->keeps);
                return true;
        case -EMFILE:
        case -ENFILE:
        case -ENOBUFS:
        case -ENOMEM:
                acceptor->pauses = true;
                if (kyron_timer_after(acceptor->timer, PAUSE_NS) == 0)
                        return true;
                break;
        }
        give_up("cannot accept");
        return false;
}

static int acceptor_init(Acceptor *acceptor)
{
        task_init(&acceptor->task, acceptor_start, acceptor_take);
        return kyron_timer_new(&acceptor->timer, handle);
}

/* ---- UDP ----------------------------------------------------------------------------------- */

typedef struct Datagrams {
        Task task;
        KyronUdpSocket *socket;
        struct sockaddr_storage peer;
        socklen_t peer_size;
        bool sends; /* back what it has received */
        size_t size;
        char buffer[DATAGRAM_BUFFER];
} Datagrams;

static int datagrams_start(Task *task)
{
        Datagrams *datagrams = (Datagrams *)task;
        struct sockaddr *peer = (struct sockaddr *)&datagrams->peer;

        if (datagrams->sends)
                return kyron_udp_socket_send_to(datagrams->socket, &task->operation,
                                                datagrams->buffer, datagrams->size, peer,
                                                datagrams->peer_size);
        datagrams->peer_size = sizeof(datagrams->peer);
        return kyron_udp_socket_recv_from(datagrams->socket, &task->operation, datagrams->buffer,
                                          DATAGRAM_BUFFER, peer, &datagrams->peer_size);
}

static bool datagrams_take(Task *task, ssize_t result)
{
        Datagrams *datagrams = (Datagrams *)task;

        datagrams->sends = !datagrams->sends;
        if (!datagrams->sends)
                return true; /* sent, or not: datagrams may get lost */
        if (result < 0) {
                give_up("cannot receive");
                return false;
        }
        datagrams->size = (size_t)result;
        return true;
}

/* ---- Starting and stopping ----------------------------------------------------------------- */

static Acceptor tcp_acceptor, unix_acceptor;
static Datagrams datagrams;
static const char *unix_path;

/* Says where it listens, for people and scripts: the port may be the kernel's choice. */
static void announce(const char *what, const char *where)
{
        printf("%s %s\n", what, where);
        fflush(stdout);
}

static bool answered;

static void on_answer(KyronOperation *operation)
{
        (void)operation;
        answered = true;
}

/* Asking the daemon, with nothing else to do meanwhile: r is what the call returned. */
static int wait_for_answer(KyronOperation *operation, int r)
{
        answered = false;
        while (r >= 0 && !answered && !stop)
                r = kyron_io_driver_handle_process_io(handle, -1);
        if (answered)
                return (int)operation->result;
        kyron_operation_cancel(operation);
        return r < 0 ? r : -ECANCELED;
}

/* Shares the listener of this address with every other server that does. */
static int serve_tcp_via_daemon(const Address *wanted, bool keep_on_death)
{
        KyronEndpointOptions options = {.name = "echo", .keep_on_death = keep_on_death};
        char text[ADDRESS_TEXT_MAX], address[ADDRESS_TEXT_MAX + 4];
        KyronOperation joining;

        snprintf(address, sizeof(address), "tcp:%s", address_format(wanted, text));
        options.address = address;
        kyron_operation_init(&joining, on_answer, NULL);
        if (acceptor_init(&tcp_acceptor) < 0 ||
            wait_for_answer(&joining, kyron_endpoint_join(&tcp_acceptor.endpoint, handle, &options,
                                                          &joining)) < 0)
                return -1;
        tcp_acceptor.keeps = keep_on_death;
        announce("tcp", kyron_endpoint_address(tcp_acceptor.endpoint) + strlen("tcp:"));
        task_run(&tcp_acceptor.task);
        return 0;
}

static int serve_tcp(const Address *wanted)
{
        Address address = {.size = sizeof(address.storage)};
        char text[ADDRESS_TEXT_MAX];

        if (acceptor_init(&tcp_acceptor) < 0 ||
            kyron_tcp_listener_bind(&tcp_acceptor.tcp, handle,
                                    (const struct sockaddr *)&wanted->storage, wanted->size) < 0 ||
            kyron_tcp_listener_local_addr(tcp_acceptor.tcp, (struct sockaddr *)&address.storage,
                                          &address.size) < 0)
                return -1;
        announce("tcp", address_format(&address, text));
        task_run(&tcp_acceptor.task);
        return 0;
}

static int serve_unix(const char *path)
{
        if (acceptor_init(&unix_acceptor) < 0 ||
            kyron_unix_listener_bind(&unix_acceptor.unix_listener, handle, path) < 0)
                return -1;
        unix_path = path;
        announce("unix", path);
        task_run(&unix_acceptor.task);
        return 0;
}

static int bind_udp_via_daemon(const Address *wanted)
{
        char text[ADDRESS_TEXT_MAX], address[ADDRESS_TEXT_MAX + 4];
        KyronOperation binding;

        snprintf(address, sizeof(address), "udp:%s", address_format(wanted, text));
        kyron_operation_init(&binding, on_answer, NULL);
        return wait_for_answer(
                &binding, kyron_udp_socket_bind_to(&datagrams.socket, handle, address, &binding));
}

static int bind_udp(const Address *wanted)
{
        return kyron_udp_socket_bind(&datagrams.socket, handle,
                                     (const struct sockaddr *)&wanted->storage, wanted->size);
}

static int serve_udp(const Address *wanted, bool via_daemon)
{
        Address address = {.size = sizeof(address.storage)};
        const int queue = UDP_QUEUE;
        char text[ADDRESS_TEXT_MAX];

        task_init(&datagrams.task, datagrams_start, datagrams_take);
        if ((via_daemon ? bind_udp_via_daemon(wanted) : bind_udp(wanted)) < 0 ||
            kyron_udp_socket_local_addr(datagrams.socket, (struct sockaddr *)&address.storage,
                                        &address.size) < 0)
                return -1;
        /* For what the library has no function, there is the descriptor. */
        setsockopt(kyron_bridged_fd_fd(kyron_udp_socket_bridged_fd(datagrams.socket)), SOL_SOCKET,
                   SO_RCVBUF, &queue, sizeof(queue));
        announce("udp", address_format(&address, text));
        task_run(&datagrams.task);
        return 0;
}

static void serve(void)
{
        while (!stop) {
                int r = tasks_turn(handle);

                if (r < 0 && r != -EINTR)
                        give_up("cannot go on");
        }
}

/* Every object before its handle; what still waits is cancelled first, so that nothing completes
 * that is freed. */
static void clean_up(void)
{
        echo_connections_close();
        kyron_operation_cancel(&tcp_acceptor.task.operation);
        kyron_operation_cancel(&unix_acceptor.task.operation);
        kyron_operation_cancel(&datagrams.task.operation);
        kyron_tcp_listener_close(tcp_acceptor.tcp);
        kyron_endpoint_close(tcp_acceptor.endpoint);
        kyron_timer_close(tcp_acceptor.timer);
        kyron_unix_listener_close(unix_acceptor.unix_listener);
        kyron_timer_close(unix_acceptor.timer);
        kyron_udp_socket_close(datagrams.socket);
        kyron_io_driver_handle_close(handle);
        if (unix_path && *unix_path != '@')
                unlink(unix_path);
}

static void on_signal(int number)
{
        (void)number;
        if (!stop) /* else there may be no handle any more */
                kyron_io_driver_handle_wake(handle);
        stop = 1;
}

int main(int argc, char **argv)
{
        const struct sigaction stopping = {.sa_handler = on_signal};
        EchoOptions options = {.library.program = "echo_server"};
        struct rlimit files; /* each connection is one */

        if (!echo_options_parse(&options, argc, argv)) {
                fputs("See echo_server --help.\n", stderr);
                return 2;
        }
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        if (kyron_io_driver_handle_open(&handle, &options.library) < 0) {
                give_up("no daemon");
                return exit_code;
        }
        sigaction(SIGTERM, &stopping, NULL);
        sigaction(SIGINT, &stopping, NULL);
        if ((options.tcp.size > 0 &&
             (options.via_daemon ? serve_tcp_via_daemon(&options.tcp, options.keep_on_death)
                                 : serve_tcp(&options.tcp)) < 0) ||
            (options.udp.size > 0 && serve_udp(&options.udp, options.via_daemon) < 0) ||
            (options.unix_path && serve_unix(options.unix_path) < 0))
                give_up("cannot serve");
        serve();
        clean_up();
        return exit_code;
}
