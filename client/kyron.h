/*
 * libkyron: wait for descriptors through kyron-iod.
 *
 * A program opens a KyronIoDriverHandle, the connection to the daemon, makes its descriptors
 * KyronBridgedFds (or one of the net types built on them), and calls process_io() in its loop.
 * There are three ways to use it, each built on the one before:
 *
 *   poll        KyronAsyncRegistration: request_readiness, clear_readiness, a KyronWaker. For
 *               authors of runtimes.
 *   call        KyronBridgedFd: async_call(interest, function) runs the function when it need
 *               not wait, and a completion when it has succeeded or failed.
 *   net types   KyronTcpListener, KyronTcpStream, KyronUdpSocket, KyronUnix…, KyronTimer.
 *
 * Results. Functions that return int or ssize_t return 0 or more for success, KYRON_PENDING where
 * it says so, or a negative errno. Nothing prints, nothing exits, errno is not used. The sentence
 * to a failure is kyron_error_text().
 *
 * Operations. A function that takes a KyronOperation never waits: it returns 0 when it is done at
 * once, with the result in operation->result and no completion; KYRON_PENDING when the completion
 * will be called; a negative errno when it failed at once, without a completion. The operation,
 * and every buffer and address given with it, is the caller's and has to stay in place until
 * then. Nothing is allocated for an operation.
 *
 * KYRON_PENDING does not say that the descriptor is not ready: what has gone on for long without a
 * wait waits its turn, so that no descriptor keeps the others waiting (libkyron(3), OPERATIONS).
 *
 * Ready descriptors. What a program may not open itself, or what shall outlive it, the daemon opens
 * and passes on: connections to an address, UDP sockets, listeners, and the connections of
 * listeners that several processes share (KyronEndpoint). What is allowed, its policy says; see
 * kyron-iod.conf(5). Addresses are text: "tcp:192.0.2.1:80", "tcp:[2001:db8::1]:http",
 * "tcp:example.org:443", "udp:[fe80::1%eth0]:53", "unix:/run/app/socket", "unix:@name"; to listen
 * or bind, "*" is any address and port 0 the kernel's choice. What came from the daemon is an
 * object as any other, and registered already: it costs no message to wait for it.
 *
 * Threads. Any thread may start, wait for and cancel operations on any object of a handle; one
 * thread at a time runs process_io(), and completions and wakers are called there only, never
 * under a lock. Closing an object while another thread is inside a call on it is a mistake, as
 * with free(); operations that wait on it are ended with -ECANCELED. A handle is closed last.
 *
 * fork(). A child cannot use its parent's handle: every call answers -EOWNERDEAD. It may close
 * what it inherited and open a handle of its own.
 *
 * Descriptors. A parameter named take_fd is the library's from then on, also when the function
 * fails; it is closed. borrow_fd stays the caller's.
 */
#ifndef KYRON_H
#define KYRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define KYRON_PUBLIC __attribute__((visibility("default")))
#else
#define KYRON_PUBLIC
#endif

/* The version of this header; kyron_version() is the library's. */
#define KYRON_VERSION "0.1.0"
KYRON_PUBLIC const char *kyron_version(void);

/* The waker or completion will be called. */
#define KYRON_PENDING 1

/*
 * The sentence for the last failure in the calling thread: what was wrong and the way out. In a
 * completion or waker that got a negative result it is that result's, if there is one. Valid
 * until the thread's next call into the library; never NULL.
 */
KYRON_PUBLIC const char *kyron_error_text(void);

/* Readiness and interest: what an event says, and what may be asked for. */
enum {
        KYRON_READABLE = 1 << 0,     /* interest and readiness */
        KYRON_WRITABLE = 1 << 1,     /* interest and readiness */
        KYRON_READ_CLOSED = 1 << 2,  /* readiness only: the other side sends no more */
        KYRON_WRITE_CLOSED = 1 << 3, /* readiness only: the other side takes no more */
        KYRON_ERROR = 1 << 4,        /* readiness only: ask SO_ERROR, or just try */
        KYRON_PRIORITY = 1 << 5,     /* interest and readiness: out-of-band data and the like */
};

typedef struct KyronIoDriverHandle KyronIoDriverHandle;
typedef struct KyronAsyncRegistration KyronAsyncRegistration;
typedef struct KyronBridgedFd KyronBridgedFd;
typedef struct KyronTcpListener KyronTcpListener;
typedef struct KyronTcpStream KyronTcpStream;
typedef struct KyronUdpSocket KyronUdpSocket;
typedef struct KyronUnixListener KyronUnixListener;
typedef struct KyronUnixStream KyronUnixStream;
typedef struct KyronUnixDatagram KyronUnixDatagram;
typedef struct KyronTimer KyronTimer;
typedef struct KyronEndpoint KyronEndpoint;
typedef struct KyronWaker KyronWaker;
typedef struct KyronOperation KyronOperation;

/* ---- IoDriverHandle: the connection to the daemon ------------------------------------------ */

/* Who is to wait for a handle's descriptors (libkyron(3), DELIVERY). */
typedef enum KyronDelivery {
        KYRON_DELIVERY_AUTO,    /* the daemon, until the handle hardly waits: the default */
        KYRON_DELIVERY_RELAYED, /* the daemon */
        KYRON_DELIVERY_DIRECT,  /* this process, in process_io(), with the daemon beside it */
} KyronDelivery;

/* Who waits for a handle's descriptors. */
typedef enum KyronServedBy {
        KYRON_SERVED_BY_DAEMON,
        KYRON_SERVED_LOCALLY,  /* no daemon: this process does, in process_io() */
        KYRON_SERVED_LATER,    /* no daemon, and this process may not: who waits goes on waiting */
        KYRON_SERVED_NO_MORE,  /* the daemon has gone for good: every wait ends with -EHOSTDOWN */
        KYRON_SERVED_DIRECTLY, /* this process does, in process_io(); there is a daemon */
} KyronServedBy;

typedef struct KyronOptions {
        /* The daemon's socket. NULL: $KYRON_SOCKET, or else the system's, /run/kyron-iod/socket. */
        const char *socket_path;
        /* This program's name in kyronctl, at most 32 printable characters. NULL: the kernel's. */
        const char *program;
        /* While there is no daemon, process_io() waits for the descriptors itself, also when there
         * is none to begin with. Environment KYRON_LOCAL_FALLBACK=1 allows it to every program. */
        bool local_fallback;
        /* How many milliseconds of an outage are waited out by what needs a daemon: requests, and
         * without local_fallback every wait. 0: 10,000; -1: none. */
        int outage_ms;
        /* Called by process_io() when somebody else serves than before; or NULL. */
        void (*served_by_changed)(KyronIoDriverHandle *handle, KyronServedBy by, void *user);
        void *user; /* the caller's */
        /* How many microseconds process_io() may ask again and again before it sleeps, at most
         * 1,000. It does so only while its waits are shorter than that, and nobody else wants the
         * processor (libkyron(3), BUSY POLLING). 0: 100; -1: never. Environment
         * KYRON_BUSY_POLL_US=N decides instead, for every program; 0 is never. */
        int busy_poll_us;
        /* After how many milliseconds of silence a daemon that hangs is taken for lost: three
         * quarters of them after its last word it is asked, if something has passed between the two
         * since it answered last, or a request waits for its answer (libkyron(3), WHEN THERE IS NO
         * DAEMON). At least 20; 0: 2,000; -1: never.
         * Environment KYRON_ALIVE_MS=N decides instead, for every program. */
        int alive_ms;
        /* Who is to wait, as far as the daemon's policy allows it. Environment
         * KYRON_DELIVERY=auto|relayed|direct decides instead, for every program. */
        KyronDelivery delivery;
} KyronOptions;

/*
 * Connects to the daemon. options may be NULL. Waits for the daemon to accept and for its Welcome,
 * at most 5 s each. With local_fallback it is no error that no daemon serves the socket, that it is
 * stopping, does not answer, or has too many sessions.
 *
 * Outages. When the daemon stops, restarts or crashes, the handle connects again by itself, within
 * 100 ms of the daemon's return, and registers everything anew; those who wait do not notice.
 * Requests are asked again, endpoints join again, listeners that were taken are taken again; but a
 * kyron_hold() or a keep that was sent and not answered ends with -EHOSTDOWN, as it is not known
 * whether it was done. A connection from an
 * endpoint that is kept on death, or was not accepted yet, waits for the next daemon even with
 * local_fallback: if the daemon lived and ended this session alone, another worker has it, and
 * waiting ends with -ESTALE: close it without writing. The next daemon counts what the program has
 * accepted from endpoints that are open, and keeps on death what the one before kept. A session
 * that the daemon ended with a reason other than its stop is over for good.
 *
 * Errors: -ENOENT, -ENOTDIR, -ECONNREFUSED no daemon serves the socket; -ESHUTDOWN it is stopping;
 * -EACCES it is served by somebody other than root, this user or the daemon's own user, or may not
 * be connected to; -EPROTONOSUPPORT the daemon speaks another protocol version; -EDQUOT it has too
 * many sessions; -ETIMEDOUT it does not answer; -EPROTO it answers nonsense; -ENAMETOOLONG, -EINVAL
 * a bad option; -EMFILE, -ENOMEM.
 */
KYRON_PUBLIC int kyron_io_driver_handle_open(KyronIoDriverHandle **out,
                                             const KyronOptions *options);

/* Closes the connection. Every object made on the handle has to be closed before; their pending
 * completions are called by this last turn. Not from within a completion. handle may be NULL. */
KYRON_PUBLIC void kyron_io_driver_handle_close(KyronIoDriverHandle *handle);

/*
 * One turn: sends what was registered since the last, waits up to timeout_ms (-1 for ever, 0 not
 * at all) until something became ready, and runs it. Returns how many wakers and operations were
 * run, 0 when the time was up or kyron_io_driver_handle_wake() came first: whatever else passes
 * between it and the daemon does not end it.
 *
 * Errors: -EINTR a signal came while it slept; a moment before, it does not end the wait, so a
 * handler that has to end it calls kyron_io_driver_handle_wake(). -EBUSY another thread is in it,
 * or this one, in a completion; -EHOSTDOWN the daemon has gone for good: every operation that
 * waits, and every later one that would have to, ends with the same error; -EOWNERDEAD after
 * fork().
 */
KYRON_PUBLIC int kyron_io_driver_handle_process_io(KyronIoDriverHandle *handle, int timeout_ms);

/* A descriptor, still the handle's, that is readable when process_io() has something to do: for
 * use in another loop, which calls process_io(handle, 0) when it is. From the first call on, what
 * any thread leaves for process_io() makes it readable, by a system call; before, nobody waits for
 * it. -EOWNERDEAD after fork(). */
KYRON_PUBLIC int kyron_io_driver_handle_fd(KyronIoDriverHandle *handle);

/* Makes process_io(), running or the next one, return without waiting. Any thread; also from a
 * signal handler. */
KYRON_PUBLIC void kyron_io_driver_handle_wake(KyronIoDriverHandle *handle);

/* The session's number, as kyronctl shows it; 0 while there is none. Any thread. */
KYRON_PUBLIC uint64_t kyron_io_driver_handle_session(KyronIoDriverHandle *handle);

/* Who waits for the handle's descriptors just now. Any thread. */
KYRON_PUBLIC KyronServedBy kyron_io_driver_handle_served_by(KyronIoDriverHandle *handle);

/* Another delivery than KyronOptions.delivery, from the next turn of process_io() on. What waits
 * goes on waiting, and no event is lost. One that the policy does not allow is not taken up, and is
 * no error. Any thread. Returns 0, -EINVAL or -EOWNERDEAD. */
KYRON_PUBLIC int kyron_io_driver_handle_set_delivery(KyronIoDriverHandle *handle,
                                                     KyronDelivery delivery);

/* ---- AsyncRegistration: readiness in poll form --------------------------------------------- */

/*
 * What to call when ready, owned by the caller and in place until it was woken or cancelled; all
 * zero but wake and user before its first use. Many may wait on one registration. wake is called
 * once per request, from process_io(); it may request again at once.
 */
struct KyronWaker {
        void (*wake)(KyronWaker *waker);
        void *user; /* the caller's */
        struct {
                KyronWaker *next;
                KyronWaker *previous;
                KyronIoDriverHandle *handle;
                KyronAsyncRegistration *registration;
                uint16_t interest;
                uint8_t state;
                bool cancelled;
        } internal;
};

/* What request_readiness() saw; to be handed to clear_readiness() after EAGAIN. */
typedef struct KyronReadyEvent {
        uint16_t readiness; /* KYRON_READABLE and so on */
        uint64_t tick;      /* counts events; 48 bits */
} KyronReadyEvent;

/*
 * Makes a registration for borrow_fd, which has to be non-blocking and stay open until the
 * registration is removed. Nothing is sent to the daemon before somebody has to wait. A new
 * registration counts as ready for everything: try first, then clear and wait.
 * Errors: -ENOMEM, -EOWNERDEAD.
 */
KYRON_PUBLIC int kyron_async_registration_new(KyronAsyncRegistration **out,
                                              KyronIoDriverHandle *handle, int borrow_fd);

/* Ends the registration and cancels its wakers, without calling them; borrow_fd stays open and may
 * be registered again. Returns 0, or -EAGAIN when the daemon has to read first: the registration
 * is still there, try again after process_io(). registration may be NULL. */
KYRON_PUBLIC int kyron_async_registration_remove(KyronAsyncRegistration *registration);

/*
 * Whether the descriptor is ready for interest: 0 with *event, or KYRON_PENDING: waker->wake will
 * be called when it may be, when it has waited its turn, or when waiting has become impossible,
 * which the next request says.
 * Closed and error readiness end every wait they concern.
 *
 * Errors: -EINVAL interest is none of KYRON_READABLE, KYRON_WRITABLE, KYRON_PRIORITY, there is no
 * waker or it has no wake, or 500 sessions wait for the file already; -EBUSY the waker is waiting
 * already; -EHOSTDOWN the daemon has gone for good; -ESTALE the connection was given to another
 * worker; -EOWNERDEAD; or what the descriptor was refused with: -EPERM a regular file, a directory
 * or a device that is always ready, -EBADF an O_PATH descriptor, -EEXIST the same open file is
 * registered already in this session, -EDQUOT this session or user has all the registrations it may
 * have, -ENOSPC, -ENOMEM. The kinds that the daemon does not wait for, process_io() does.
 */
KYRON_PUBLIC int kyron_async_registration_request_readiness(KyronAsyncRegistration *registration,
                                                            uint16_t interest, KyronWaker *waker,
                                                            KyronReadyEvent *event);

/* Clears the readiness for interest, unless there was an event since the tick in event. Call it
 * only after the OS said EAGAIN. */
KYRON_PUBLIC void kyron_async_registration_clear_readiness(KyronAsyncRegistration *registration,
                                                           const KyronReadyEvent *event,
                                                           uint16_t interest);

/* 0 the waker will not be called; -EALREADY it is being, was or had never to be called. */
KYRON_PUBLIC int kyron_async_registration_cancel(KyronAsyncRegistration *registration,
                                                 KyronWaker *waker);

/* ---- Operations: readiness in completion form ---------------------------------------------- */

/* Called from process_io() when the operation has ended, with operation->result. The library has
 * let go of the operation: it may be used again or freed at once, its object closed. */
typedef void (*KyronCompletion)(KyronOperation *operation);

/* Does the IO: returns what operation->result shall be, -EAGAIN to wait for readiness and be
 * called again, or another negative errno. It must not block, and not close the descriptor. */
typedef ssize_t (*KyronIoFunction)(int borrow_fd, KyronOperation *operation);

/* One thing to be done when it need not wait. Owned by the caller, one use at a time. */
struct KyronOperation {
        ssize_t result; /* bytes, or what the function says; or a negative errno */
        KyronCompletion completion;
        void *user; /* the caller's */
        /* What the library's own functions keep for their IO; free for other functions' use. */
        struct {
                void *pointer;
                void *object;
                size_t size;
                struct sockaddr *address;
                socklen_t *address_size_out;
                socklen_t address_size;
                int flags;
        } arguments;
        struct {
                KyronWaker waker;
                KyronIoFunction function;
                void *request;
        } internal;
};

/* Prepares an operation for its first use. Without a completion it cannot wait: what would have to
 * ends at once with -EINVAL, and has done nothing. */
KYRON_PUBLIC void kyron_operation_init(KyronOperation *operation, KyronCompletion completion,
                                       void *user);

/* To be called once the call that started it has returned. 0: it waited, and now the completion
 * will not be called; -EALREADY: the completion is being, will be or was called, or it was not
 * waiting. If its function is running just then, in another thread, it will not wait again but end
 * with -ECANCELED.
 *
 * What waits for the daemon's answer can be cancelled too: a connection that is made all the same
 * is closed. But kyron_hold(), kyron_take_held() and the streams' keep functions cannot once the
 * request has left (-EALREADY): its answer comes at once, and a descriptor would get lost. */
KYRON_PUBLIC int kyron_operation_cancel(KyronOperation *operation);

/* ---- BridgedFd: any descriptor that can be waited for -------------------------------------- */

/*
 * Makes a BridgedFd of take_fd: socket, pipe, eventfd, inotify, timerfd, pidfd, terminal, signalfd
 * or whatever else epoll(7) can wait for. It is made non-blocking. Errors: -EBADF, -ENOMEM,
 * -EOWNERDEAD.
 */
KYRON_PUBLIC int kyron_bridged_fd_new(KyronBridgedFd **out, KyronIoDriverHandle *handle,
                                      int take_fd);

/*
 * Closes the descriptor. Operations that wait end with -ECANCELED, their completions called by the
 * next process_io(). bridged_fd may be NULL.
 *
 * close() takes effect when the last copy of a descriptor is closed, and for a moment after it was
 * registered the daemon has one: a listener's address, or a pipe, may outlast this call that long.
 * TcpStreams and UnixStreams do not: see there. While a dup() of it is open, here or in a child of
 * fork(), the file stays registered and cannot be again (-EEXIST): kyron_bridged_fd_release() ends
 * the registration too.
 */
KYRON_PUBLIC void kyron_bridged_fd_close(KyronBridgedFd *bridged_fd);

/* Like close, but hands the open descriptor, no longer registered, back in *out. 0, or -EAGAIN:
 * nothing changed, as with kyron_async_registration_remove(). */
KYRON_PUBLIC int kyron_bridged_fd_release(KyronBridgedFd *bridged_fd, int *out);

/* The descriptor, still the BridgedFd's; and its registration. */
KYRON_PUBLIC int kyron_bridged_fd_fd(const KyronBridgedFd *bridged_fd);
KYRON_PUBLIC KyronAsyncRegistration *kyron_bridged_fd_registration(KyronBridgedFd *bridged_fd);

/* Runs function until it does not return -EAGAIN, waiting for interest in between. 0,
 * KYRON_PENDING, or a negative errno: the function's; -EBUSY the operation is in use already;
 * -EINVAL there is no operation or function, or it has to wait and has no completion; or as
 * request_readiness(). */
KYRON_PUBLIC int kyron_bridged_fd_async_call(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                             uint16_t interest, KyronIoFunction function);

/* Waits for readiness; result is the readiness bits. Does no IO: whoever does it next asks
 * kyron_async_registration_request_readiness() before, and tells clear_readiness() after EAGAIN. */
KYRON_PUBLIC int kyron_bridged_fd_ready(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                        uint16_t interest);

/* read(2) and write(2); result is the number of bytes, 0 at end of file. Writing where nobody reads
 * any more is -EPIPE, and raises no SIGPIPE. */
KYRON_PUBLIC int kyron_bridged_fd_read(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                       void *buffer, size_t size);
KYRON_PUBLIC int kyron_bridged_fd_write(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                        const void *buffer, size_t size);
/* readv(2) and writev(2). The array has to stay in place too. */
KYRON_PUBLIC int kyron_bridged_fd_readv(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                        const struct iovec *parts, int count);
KYRON_PUBLIC int kyron_bridged_fd_writev(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                         const struct iovec *parts, int count);

/* ---- Ready descriptors: what asking the daemon has in common -------------------------------- */

/*
 * kyron_tcp_stream_connect_to(), kyron_udp_socket_bind_to(), kyron_tcp_listener_take(),
 * kyron_unix_listener_take() and kyron_endpoint_join() ask the daemon and never are done at once:
 * they return KYRON_PENDING, or a negative errno. *out is NULL until the operation has succeeded
 * (result 0), and then the caller's to close; out itself, texts and options have to stay in place
 * until then. Any thread may call them.
 *
 * A port may be a service's name ("http"). It is looked up (getservbyname) in the call itself,
 * which may take time where the name service does; a number is not.
 *
 * Errors at once: -EINVAL a text is missing or too long, nobody knows the service, or there is no
 * operation or it has no completion; -EDQUOT this session has all the registrations it may have;
 * -EBUSY, -ENOMEM, -EHOSTDOWN, -EOWNERDEAD.
 *
 * Results: -EACCES the policy does not allow it: kyron_error_text() has the rule, or says that
 * there is none; -EINVAL the address or name is not one; -EDQUOT this user has all it may have;
 * -EHOSTDOWN the daemon has gone; -ECANCELED the handle was closed; and what is listed with each.
 */

/* How a listener that is asked for is opened, and for how long. All zero: as a listener usually
 * is. */
typedef struct KyronListenerOptions {
        unsigned backlog;      /* listen(2)'s; 0: the kernel's largest */
        bool v6_only;          /* IPv6 only, where the address is "*" or "[::]" */
        bool nodelay;          /* TCP_NODELAY of what is accepted */
        bool keepalive;        /* SO_KEEPALIVE of what is accepted */
        bool when_readable;    /* connections are passed once their first bytes are there */
        unsigned silent_ms;    /* and closed when those take longer, milliseconds; 0: 10,000 */
        bool least_loaded;     /* to whoever has fewest in hand, for the weight; else in turn */
        unsigned keep_seconds; /* open for so long after the last worker or taker; 0: 30 */
} KyronListenerOptions;

/* ---- TcpListener --------------------------------------------------------------------------- */

/*
 * Listens on an AF_INET or AF_INET6 address; port 0: the kernel chooses. SO_REUSEADDR is set.
 * Errors: socket(2)'s, bind(2)'s and listen(2)'s; -EAFNOSUPPORT another family.
 */
KYRON_PUBLIC int kyron_tcp_listener_bind(KyronTcpListener **out, KyronIoDriverHandle *handle,
                                         const struct sockaddr *address, socklen_t address_size);
/* Makes a listener of a listening socket of TCP or MPTCP, from systemd or elsewhere. Errors:
 * -EINVAL it is not one; as kyron_bridged_fd_new(). */
KYRON_PUBLIC int kyron_tcp_listener_from_fd(KyronTcpListener **out, KyronIoDriverHandle *handle,
                                            int take_fd);
/*
 * Takes a listener from the daemon, to accept from it without the daemon. It outlives this process:
 * whoever takes it next finds the connections that came meanwhile. address NULL: there has to be a
 * listener of this name; otherwise it is opened there if there is none. A name is that of a
 * listener of the daemon's configuration, or else one of this user's own, or of another user's that
 * a policy lets this one serve. options may be NULL; they concern a listener opened by this call.
 * See "Ready descriptors". Results: -ENOENT there is no such listener; -EEXIST it is at another
 * address; bind(2)'s and listen(2)'s errors; -EINVAL it is of another kind.
 */
KYRON_PUBLIC int kyron_tcp_listener_take(KyronTcpListener **out, KyronIoDriverHandle *handle,
                                         const char *name, const char *address,
                                         const KyronListenerOptions *options,
                                         KyronOperation *operation);
KYRON_PUBLIC void kyron_tcp_listener_close(KyronTcpListener *listener);
/* Accepts one connection into *out, which is the caller's to close. result is 0, or accept4(2)'s
 * error; connections that broke before they were accepted are passed over. */
KYRON_PUBLIC int kyron_tcp_listener_accept(KyronTcpListener *listener, KyronOperation *operation,
                                           KyronTcpStream **out);
/* *size is the room in address, then the size of the address. */
KYRON_PUBLIC int kyron_tcp_listener_local_addr(const KyronTcpListener *listener,
                                               struct sockaddr *address, socklen_t *size);
/* IP_TTL, or IPV6_UNICAST_HOPS: 1 to 255. ttl() returns it. */
KYRON_PUBLIC int kyron_tcp_listener_set_ttl(KyronTcpListener *listener, int ttl);
KYRON_PUBLIC int kyron_tcp_listener_ttl(const KyronTcpListener *listener);
/* Pending socket error, as a negative errno, which it clears; 0: none. */
KYRON_PUBLIC int kyron_tcp_listener_take_error(KyronTcpListener *listener);
KYRON_PUBLIC KyronBridgedFd *kyron_tcp_listener_bridged_fd(KyronTcpListener *listener);

/* ---- TcpStream ----------------------------------------------------------------------------- */

/*
 * Connects. The stream is in *out unless the call fails at once; if the operation ends with an
 * error later, the stream is still the caller's to close. result is 0, or connect(2)'s error;
 * -ECONNREFUSED also where nobody listens and the connection was made to itself.
 */
KYRON_PUBLIC int kyron_tcp_stream_connect(KyronTcpStream **out, KyronIoDriverHandle *handle,
                                          const struct sockaddr *address, socklen_t address_size,
                                          KyronOperation *operation);
/*
 * Connects through the daemon to "tcp:HOST:PORT": names are resolved there, and all their addresses
 * tried. timeout_ms is for all of it; 0: 30,000; at most 600,000. See "Ready descriptors". Results:
 * -ENOENT the name does not resolve; -EAGAIN its name servers failed or did not
 * answer; -ETIMEDOUT;
 * -EAFNOSUPPORT the address is not a "tcp:" one; what connect(2) said of the address tried last.
 */
KYRON_PUBLIC int kyron_tcp_stream_connect_to(KyronTcpStream **out, KyronIoDriverHandle *handle,
                                             const char *address, unsigned timeout_ms,
                                             KyronOperation *operation);
/* Makes a stream of a connected socket of TCP or MPTCP. Errors: -EINVAL it is not one; as
 * kyron_bridged_fd_new(). */
KYRON_PUBLIC int kyron_tcp_stream_from_fd(KyronTcpStream **out, KyronIoDriverHandle *handle,
                                          int take_fd);
/* Ends the connection; the peer sees it at once, as close(2) would have told it: as broken off
 * where SO_LINGER says so, or where something was not read. A stream that had to wait once is shut
 * down, so a child of fork() cannot go on with it: kyron_bridged_fd_release() hands a connection
 * on. */
KYRON_PUBLIC void kyron_tcp_stream_close(KyronTcpStream *stream);
/* result is the number of bytes, for read 0 at the end. write may write less than was given. */
KYRON_PUBLIC int kyron_tcp_stream_read(KyronTcpStream *stream, KyronOperation *operation,
                                       void *buffer, size_t size);
KYRON_PUBLIC int kyron_tcp_stream_write(KyronTcpStream *stream, KyronOperation *operation,
                                        const void *buffer, size_t size);
KYRON_PUBLIC int kyron_tcp_stream_readv(KyronTcpStream *stream, KyronOperation *operation,
                                        const struct iovec *parts, int count);
KYRON_PUBLIC int kyron_tcp_stream_writev(KyronTcpStream *stream, KyronOperation *operation,
                                         const struct iovec *parts, int count);
/* Like read, but what was read stays to be read again. */
KYRON_PUBLIC int kyron_tcp_stream_peek(KyronTcpStream *stream, KyronOperation *operation,
                                       void *buffer, size_t size);
/* As kyron_bridged_fd_ready(). */
KYRON_PUBLIC int kyron_tcp_stream_ready(KyronTcpStream *stream, KyronOperation *operation,
                                        uint16_t interest);
/* shutdown(2): SHUT_RD, SHUT_WR or SHUT_RDWR. Does not wait. */
KYRON_PUBLIC int kyron_tcp_stream_shutdown(KyronTcpStream *stream, int how);
KYRON_PUBLIC int kyron_tcp_stream_local_addr(const KyronTcpStream *stream, struct sockaddr *address,
                                             socklen_t *size);
KYRON_PUBLIC int kyron_tcp_stream_peer_addr(const KyronTcpStream *stream, struct sockaddr *address,
                                            socklen_t *size);
/* TCP_NODELAY; nodelay() returns 0 or 1. */
KYRON_PUBLIC int kyron_tcp_stream_set_nodelay(KyronTcpStream *stream, bool on);
KYRON_PUBLIC int kyron_tcp_stream_nodelay(const KyronTcpStream *stream);
/* SO_KEEPALIVE: off when idle_s is 0; else the first probe after idle_s seconds, the next ones
 * every interval_s seconds, broken after count of them unanswered. keepalive() returns 0 or 1. */
KYRON_PUBLIC int kyron_tcp_stream_set_keepalive(KyronTcpStream *stream, unsigned idle_s,
                                                unsigned interval_s, unsigned count);
KYRON_PUBLIC int kyron_tcp_stream_keepalive(const KyronTcpStream *stream);
KYRON_PUBLIC int kyron_tcp_stream_set_ttl(KyronTcpStream *stream, int ttl);
KYRON_PUBLIC int kyron_tcp_stream_ttl(const KyronTcpStream *stream);
/* Whether another worker had this connection, which came from an endpoint, and ended. */
KYRON_PUBLIC bool kyron_tcp_stream_was_served_before(const KyronTcpStream *stream);
/* The note that worker left with it: copies at most size bytes into buffer and returns the whole
 * note's size; 0: there is none. */
KYRON_PUBLIC ssize_t kyron_tcp_stream_note(const KyronTcpStream *stream, void *buffer, size_t size);
/*
 * Keeps a connection from an endpoint on death: if this session ends before the stream is closed,
 * it is given to another worker, with this note (at most 65,536 bytes, copied by this call; it
 * replaces the one before; size 0: none). The daemon has to have a copy yet: of an endpoint joined
 * with keep_on_death it always has; of others until the end of the turn they were accepted in, so
 * call this right after the accept, or in its completion. Returns KYRON_PENDING; result is 0 once
 * the daemon keeps it. Errors: -EINVAL it did not come from an endpoint; -EMSGSIZE the note is too
 * long; -EMFILE. Results: -EACCES, -EDQUOT this user may not hold (more) descriptors; -ESTALE it
 * was too late; -ENOENT.
 */
KYRON_PUBLIC int kyron_tcp_stream_keep(KyronTcpStream *stream, const void *note, size_t note_size,
                                       KyronOperation *operation);
KYRON_PUBLIC int kyron_tcp_stream_take_error(KyronTcpStream *stream);
KYRON_PUBLIC KyronBridgedFd *kyron_tcp_stream_bridged_fd(KyronTcpStream *stream);

/* ---- UdpSocket ----------------------------------------------------------------------------- */

/* Binds to an AF_INET or AF_INET6 address; port 0: the kernel chooses. */
KYRON_PUBLIC int kyron_udp_socket_bind(KyronUdpSocket **out, KyronIoDriverHandle *handle,
                                       const struct sockaddr *address, socklen_t address_size);
/* Has the daemon bind one, to "udp:HOST:PORT"; the host is a number or "*". See "Ready
 * descriptors". Results: bind(2)'s errors. */
KYRON_PUBLIC int kyron_udp_socket_bind_to(KyronUdpSocket **out, KyronIoDriverHandle *handle,
                                          const char *address, KyronOperation *operation);
KYRON_PUBLIC int kyron_udp_socket_from_fd(KyronUdpSocket **out, KyronIoDriverHandle *handle,
                                          int take_fd);
KYRON_PUBLIC void kyron_udp_socket_close(KyronUdpSocket *socket);
/* Sets the peer that send() sends to and recv() receives from. Does not wait. */
KYRON_PUBLIC int kyron_udp_socket_connect(KyronUdpSocket *socket, const struct sockaddr *address,
                                          socklen_t address_size);
/* One datagram each; result is its bytes. A received datagram longer than size is cut, and result
 * is then its whole length. */
KYRON_PUBLIC int kyron_udp_socket_send(KyronUdpSocket *socket, KyronOperation *operation,
                                       const void *buffer, size_t size);
KYRON_PUBLIC int kyron_udp_socket_recv(KyronUdpSocket *socket, KyronOperation *operation,
                                       void *buffer, size_t size);
KYRON_PUBLIC int kyron_udp_socket_send_to(KyronUdpSocket *socket, KyronOperation *operation,
                                          const void *buffer, size_t size,
                                          const struct sockaddr *address, socklen_t address_size);
/* *address_size is the room in address, then the size of the sender's address. Both in place until
 * the completion; address may be NULL. */
KYRON_PUBLIC int kyron_udp_socket_recv_from(KyronUdpSocket *socket, KyronOperation *operation,
                                            void *buffer, size_t size, struct sockaddr *address,
                                            socklen_t *address_size);
KYRON_PUBLIC int kyron_udp_socket_ready(KyronUdpSocket *socket, KyronOperation *operation,
                                        uint16_t interest);
KYRON_PUBLIC int kyron_udp_socket_local_addr(const KyronUdpSocket *socket, struct sockaddr *address,
                                             socklen_t *size);
KYRON_PUBLIC int kyron_udp_socket_peer_addr(const KyronUdpSocket *socket, struct sockaddr *address,
                                            socklen_t *size);
KYRON_PUBLIC int kyron_udp_socket_set_ttl(KyronUdpSocket *socket, int ttl);
KYRON_PUBLIC int kyron_udp_socket_ttl(const KyronUdpSocket *socket);
/* SO_BROADCAST; broadcast() returns 0 or 1. */
KYRON_PUBLIC int kyron_udp_socket_set_broadcast(KyronUdpSocket *socket, bool on);
KYRON_PUBLIC int kyron_udp_socket_broadcast(const KyronUdpSocket *socket);
/* Pending socket error (such as -ECONNREFUSED from an earlier send), which it clears; 0: none. */
KYRON_PUBLIC int kyron_udp_socket_take_error(KyronUdpSocket *socket);
KYRON_PUBLIC KyronBridgedFd *kyron_udp_socket_bridged_fd(KyronUdpSocket *socket);

/* ---- UnixListener, UnixStream, UnixDatagram ------------------------------------------------ */

/*
 * Listens on a path, or on an abstract name when path begins with '@'. The path must not exist;
 * it is not removed by close. Errors: -ENAMETOOLONG, bind(2)'s, listen(2)'s.
 */
KYRON_PUBLIC int kyron_unix_listener_bind(KyronUnixListener **out, KyronIoDriverHandle *handle,
                                          const char *path);
KYRON_PUBLIC int kyron_unix_listener_from_fd(KyronUnixListener **out, KyronIoDriverHandle *handle,
                                             int take_fd);
/* As kyron_tcp_listener_take(). */
KYRON_PUBLIC int kyron_unix_listener_take(KyronUnixListener **out, KyronIoDriverHandle *handle,
                                          const char *name, const char *address,
                                          const KyronListenerOptions *options,
                                          KyronOperation *operation);
KYRON_PUBLIC void kyron_unix_listener_close(KyronUnixListener *listener);
KYRON_PUBLIC int kyron_unix_listener_accept(KyronUnixListener *listener, KyronOperation *operation,
                                            KyronUnixStream **out);
KYRON_PUBLIC int kyron_unix_listener_local_addr(const KyronUnixListener *listener,
                                                struct sockaddr_un *address, socklen_t *size);
KYRON_PUBLIC int kyron_unix_listener_take_error(KyronUnixListener *listener);
KYRON_PUBLIC KyronBridgedFd *kyron_unix_listener_bridged_fd(KyronUnixListener *listener);

/* Connects as kyron_tcp_stream_connect(), but always at once: Unix sockets do not wait for the
 * other side to accept. -EAGAIN: the listener's backlog is full, and the kernel does not tell when
 * it no longer is: try again later. */
KYRON_PUBLIC int kyron_unix_stream_connect(KyronUnixStream **out, KyronIoDriverHandle *handle,
                                           const char *path);
/* Two streams connected to each other. */
KYRON_PUBLIC int kyron_unix_stream_pair(KyronUnixStream **a, KyronUnixStream **b,
                                        KyronIoDriverHandle *handle);
KYRON_PUBLIC int kyron_unix_stream_from_fd(KyronUnixStream **out, KyronIoDriverHandle *handle,
                                           int take_fd);
/* As kyron_tcp_stream_close(). */
KYRON_PUBLIC void kyron_unix_stream_close(KyronUnixStream *stream);
KYRON_PUBLIC int kyron_unix_stream_read(KyronUnixStream *stream, KyronOperation *operation,
                                        void *buffer, size_t size);
KYRON_PUBLIC int kyron_unix_stream_write(KyronUnixStream *stream, KyronOperation *operation,
                                         const void *buffer, size_t size);
KYRON_PUBLIC int kyron_unix_stream_readv(KyronUnixStream *stream, KyronOperation *operation,
                                         const struct iovec *parts, int count);
KYRON_PUBLIC int kyron_unix_stream_writev(KyronUnixStream *stream, KyronOperation *operation,
                                          const struct iovec *parts, int count);
KYRON_PUBLIC int kyron_unix_stream_ready(KyronUnixStream *stream, KyronOperation *operation,
                                         uint16_t interest);
KYRON_PUBLIC int kyron_unix_stream_shutdown(KyronUnixStream *stream, int how);
KYRON_PUBLIC int kyron_unix_stream_local_addr(const KyronUnixStream *stream,
                                              struct sockaddr_un *address, socklen_t *size);
KYRON_PUBLIC int kyron_unix_stream_peer_addr(const KyronUnixStream *stream,
                                             struct sockaddr_un *address, socklen_t *size);
/* Who was at the other end when it connected (SO_PEERCRED). pid, uid and gid may be NULL. */
KYRON_PUBLIC int kyron_unix_stream_peer_cred(const KyronUnixStream *stream, pid_t *pid, uid_t *uid,
                                             gid_t *gid);
/* As kyron_tcp_stream_was_served_before() and so on. */
KYRON_PUBLIC bool kyron_unix_stream_was_served_before(const KyronUnixStream *stream);
KYRON_PUBLIC ssize_t kyron_unix_stream_note(const KyronUnixStream *stream, void *buffer,
                                            size_t size);
KYRON_PUBLIC int kyron_unix_stream_keep(KyronUnixStream *stream, const void *note, size_t note_size,
                                        KyronOperation *operation);
KYRON_PUBLIC int kyron_unix_stream_take_error(KyronUnixStream *stream);
KYRON_PUBLIC KyronBridgedFd *kyron_unix_stream_bridged_fd(KyronUnixStream *stream);

/* path NULL: unbound, for sending and for connect. */
KYRON_PUBLIC int kyron_unix_datagram_bind(KyronUnixDatagram **out, KyronIoDriverHandle *handle,
                                          const char *path);
KYRON_PUBLIC int kyron_unix_datagram_pair(KyronUnixDatagram **a, KyronUnixDatagram **b,
                                          KyronIoDriverHandle *handle);
KYRON_PUBLIC int kyron_unix_datagram_from_fd(KyronUnixDatagram **out, KyronIoDriverHandle *handle,
                                             int take_fd);
KYRON_PUBLIC void kyron_unix_datagram_close(KyronUnixDatagram *socket);
KYRON_PUBLIC int kyron_unix_datagram_connect(KyronUnixDatagram *socket, const char *path);
KYRON_PUBLIC int kyron_unix_datagram_send(KyronUnixDatagram *socket, KyronOperation *operation,
                                          const void *buffer, size_t size);
KYRON_PUBLIC int kyron_unix_datagram_recv(KyronUnixDatagram *socket, KyronOperation *operation,
                                          void *buffer, size_t size);
/* Never pending: a full queue of the receiver is no event of an unconnected sender's socket, so
 * -EAGAIN ends the operation. Connected senders (send) wait. */
KYRON_PUBLIC int kyron_unix_datagram_send_to(KyronUnixDatagram *socket, KyronOperation *operation,
                                             const void *buffer, size_t size, const char *path);
KYRON_PUBLIC int kyron_unix_datagram_recv_from(KyronUnixDatagram *socket, KyronOperation *operation,
                                               void *buffer, size_t size,
                                               struct sockaddr_un *address,
                                               socklen_t *address_size);
KYRON_PUBLIC int kyron_unix_datagram_ready(KyronUnixDatagram *socket, KyronOperation *operation,
                                           uint16_t interest);
KYRON_PUBLIC int kyron_unix_datagram_shutdown(KyronUnixDatagram *socket, int how);
KYRON_PUBLIC int kyron_unix_datagram_local_addr(const KyronUnixDatagram *socket,
                                                struct sockaddr_un *address, socklen_t *size);
KYRON_PUBLIC int kyron_unix_datagram_peer_addr(const KyronUnixDatagram *socket,
                                               struct sockaddr_un *address, socklen_t *size);
KYRON_PUBLIC int kyron_unix_datagram_take_error(KyronUnixDatagram *socket);
KYRON_PUBLIC KyronBridgedFd *kyron_unix_datagram_bridged_fd(KyronUnixDatagram *socket);

/* ---- Endpoint: a share in a listener --------------------------------------------------------- */

typedef struct KyronEndpointOptions {
        /* The listener's: 1 to 63 printable characters without blanks, quotes, \ and *. Whose it
         * is: as kyron_tcp_listener_take(). */
        const char *name;
        /* NULL: there has to be a listener of this name; otherwise it is opened there if there is
         * none. */
        const char *address;
        /* For one that is opened by this; or NULL. */
        const KyronListenerOptions *listener;
        /* How many connections this worker takes for one of a worker of weight 1; 0: 1. At most
         * 100. */
        unsigned weight;
        /* How many connections may be on their way to this process, not accepted by it yet; 0: 64.
         * At most 4,096. */
        unsigned credits;
        /* Every connection is kept on death, as kyron_tcp_stream_keep() does for one. */
        bool keep_on_death;
} KyronEndpointOptions;

/*
 * Joins the group of processes that serve a listener: the daemon accepts, and gives each connection
 * to one of them. See "Ready descriptors"; of options, the texts and what listener points to stay
 * in place. Results: -ENOENT there is no such listener; -EEXIST it is at another address; bind(2)'s
 * and listen(2)'s errors.
 */
KYRON_PUBLIC int kyron_endpoint_join(KyronEndpoint **out, KyronIoDriverHandle *handle,
                                     const KyronEndpointOptions *options,
                                     KyronOperation *operation);
/*
 * Leaves the group. Accepts that wait end with -ECANCELED; connections that were not accepted go to
 * other workers; those that were stay this program's. endpoint may be NULL.
 */
KYRON_PUBLIC void kyron_endpoint_close(KyronEndpoint *endpoint);
/*
 * Accepts one connection into *out, which is the caller's to close. From then on, and not before,
 * it is this process's: until the daemon has learnt of it, with the next packet, it would give the
 * connection to another worker if this process ended. It is ready for reading and writing when it
 * comes: try first. result is 0; -EINVAL the listener's connections are of the other kind;
 * -EHOSTDOWN the daemon has gone.
 *
 * After -EHOSTDOWN or -ESTALE, connections that are kept on death are another worker's, or will be:
 * close them without writing.
 *
 * A process that may open no more files (RLIMIT_NOFILE) loses the daemon when a connection comes;
 * those it had not accepted go to other workers. Leave room for as many as there are credits.
 */
KYRON_PUBLIC int kyron_endpoint_accept(KyronEndpoint *endpoint, KyronOperation *operation,
                                       KyronTcpStream **out);
KYRON_PUBLIC int kyron_endpoint_accept_unix(KyronEndpoint *endpoint, KyronOperation *operation,
                                            KyronUnixStream **out);
/* Where it listens, as text, with the port the kernel chose. Valid until it is closed. */
KYRON_PUBLIC const char *kyron_endpoint_address(const KyronEndpoint *endpoint);
/* Another number of credits, 0 to 4,096. What was offered before may still come; 0: that is all for
 * now. Returns 0, -EINVAL or -EOWNERDEAD. */
KYRON_PUBLIC int kyron_endpoint_set_credits(KyronEndpoint *endpoint, unsigned credits);

/* ---- Held descriptors ------------------------------------------------------------------------ */

/*
 * Leaves a descriptor with the daemon under a name (1 to 64 printable characters without blanks),
 * for any process of this user to take back within time_to_live_ms. borrow_fd stays the caller's,
 * and open until the operation has ended, as name stays in place; the daemon has the same open file
 * from then on. The note, at most 65,536 bytes, is copied by this call; note_size 0: none.
 * Returns KYRON_PENDING. Errors: -EINVAL the name, or time_to_live_ms is 0; -EMSGSIZE the note is
 * too long; -EBADF; -EMFILE, -ENOMEM, -EBUSY, -EHOSTDOWN, -EOWNERDEAD. Results: 0; -EEXIST the name
 * is taken; -EACCES, -EDQUOT this user may not hold (more) descriptors; -EBADF it is not open.
 */
KYRON_PUBLIC int kyron_hold(KyronIoDriverHandle *handle, int borrow_fd, const char *name,
                            const void *note, size_t note_size, uint64_t time_to_live_ms,
                            KyronOperation *operation);

/* What was held. Both descriptors are the caller's to close. */
typedef struct KyronHeld {
        int fd;           /* for kyron_bridged_fd_new() or a net type's from_fd function */
        int note_fd;      /* the note, for pread(2) or mmap(2): nobody can change it; -1: none */
        size_t note_size; /* bytes */
        uint64_t held_ms; /* for so long, milliseconds */
} KyronHeld;

/* Takes a held descriptor back: the name is free again. name and out stay in place. Returns
 * KYRON_PENDING, or errors as kyron_hold(). Results: 0; -ENOENT nothing is held under this name. */
KYRON_PUBLIC int kyron_take_held(KyronIoDriverHandle *handle, const char *name,
                                 KyronOperation *operation, KyronHeld *out);

/* ---- Timer --------------------------------------------------------------------------------- */

/* A timer on CLOCK_MONOTONIC, unarmed (timerfd). */
KYRON_PUBLIC int kyron_timer_new(KyronTimer **out, KyronIoDriverHandle *handle);
KYRON_PUBLIC void kyron_timer_close(KyronTimer *timer);
/* Arms it to expire once, or first after a period and then every period, in nanoseconds; replaces
 * what was armed, and takes back an expiry nobody has seen. 0 disarms. */
KYRON_PUBLIC int kyron_timer_after(KyronTimer *timer, uint64_t nanoseconds);
KYRON_PUBLIC int kyron_timer_every(KyronTimer *timer, uint64_t period_nanoseconds);
/* Waits for it to expire; result is how often it has since the last time, at least 1. */
KYRON_PUBLIC int kyron_timer_wait(KyronTimer *timer, KyronOperation *operation);
KYRON_PUBLIC KyronBridgedFd *kyron_timer_bridged_fd(KyronTimer *timer);

#ifdef __cplusplus
}
#endif

#endif
