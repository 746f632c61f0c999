/* Connections made by Happy Eyeballs. See connector.h. */
#include "daemon/connect/connector.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/connect/address_queue.h"
#include "daemon/connect/connect_attempt.h"
#include "daemon/connect/name_questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
        /* RFC 8305: between one attempt and the next. */
        ATTEMPT_DELAY_MS = 250,
        /* An address and its name, in a sentence. */
        SUBJECT_MAX = ADDRESS_TEXT_MAX + ADDRESS_HOST_MAX + 8,
        /* On this machine connect(2) is all of a connection: some 15 microseconds. */
        STARTS_PER_TURN = 8,
};

/* What the last word is about when nothing connects: the later in this list the better it tells. */
typedef enum FailureStage {
        FAILED_NOT_AT_ALL,
        FAILED_TO_RESOLVE,
        FAILED_TO_BE_ALLOWED,
        FAILED_TO_CONNECT,
} FailureStage;

struct Connector {
        Loop *loop;
        Resolver *resolver;
        TAILQ_HEAD(, Connecting) connectings;
        TAILQ_HEAD(, Connecting) starting; /* of these, those to be started */
        LoopEvent *start;                  /* a timer, that is pending while there are any */
};

/*
 * One connection being made. It moves in advance(), which every event calls last, for it may free
 * it: it starts attempts until the pace timer has to be waited for, and ends when there is nothing
 * left to wait for.
 */
struct Connecting {
        TAILQ_ENTRY(Connecting) link;
        TAILQ_ENTRY(Connecting) start_link;
        bool starts; /* it is to be started */
        Connector *connector;
        Address address;
        uid_t uid;
        unsigned timeout_ms;
        ConnectorAllowed allowed;
        ConnectorDone done;
        void *data;

        NameQuestions questions;
        AddressQueue addresses; /* to be tried */
        size_t tried;           /* attempts[0 … tried - 1] were started */
        size_t living;          /* of those, not over */
        ConnectAttempt attempts[CONNECT_ADDRESSES_MAX];

        LoopEvent *deadline;
        LoopEvent *pace; /* pending: no attempt is started before */

        FailureStage failed;
        int error;
        char sentence[ERROR_TEXT_MAX];
};

static struct timeval milliseconds(unsigned ms)
{
        return (struct timeval){
                .tv_sec = (time_t)(ms / 1000),
                .tv_usec = (suseconds_t)(ms % 1000 * 1000),
        };
}

static void connecting_free(Connecting *connecting)
{
        for (size_t i = 0; i < connecting->tried; i++)
                connect_attempt_end(&connecting->attempts[i]);
        name_questions_close(&connecting->questions);
        loop_event_free(connecting->deadline);
        loop_event_free(connecting->pace);
        if (connecting->starts)
                TAILQ_REMOVE(&connecting->connector->starting, connecting, start_link);
        TAILQ_REMOVE(&connecting->connector->connectings, connecting, link);
        free(connecting);
}

/* Keeps what is said last, in case nothing connects. */
static void note_failure(Connecting *connecting, FailureStage stage, int error, const char *text)
{
        if (stage < connecting->failed)
                return;
        /* That a server did not answer tells more than that the other family has no address. */
        if (stage == FAILED_TO_RESOLVE && connecting->failed == stage && error == -ENOENT)
                return;
        connecting->failed = stage;
        connecting->error = error;
        snprintf(connecting->sentence, sizeof(connecting->sentence), "%s", text);
}

/* Frees it and tells that it failed. */
static void finish_failed(Connecting *connecting)
{
        ConnectorDone done = connecting->done;
        void *data = connecting->data;
        int r = error_set(-connecting->error, "%s", connecting->sentence);

        connecting_free(connecting);
        done(data, r, NULL);
}

/* Frees it and hands the attempt's socket on. */
static void finish_connected(Connecting *connecting, ConnectAttempt *attempt)
{
        ConnectorDone done = connecting->done;
        void *data = connecting->data;
        Address peer;
        int fd;

        address_from_socket(ADDRESS_TCP, &attempt->address.any,
                            inet_address_size(&attempt->address), &peer);
        fd = connect_attempt_steal(attempt);
        connecting_free(connecting);
        done(data, fd, &peer);
}

/* "tcp:192.0.2.1:80", and of what name, if it was one. */
static void describe(const Connecting *connecting, const InetAddress *address, char *out)
{
        char text[ADDRESS_TEXT_MAX];
        Address tried;

        address_from_socket(ADDRESS_TCP, &address->any, inet_address_size(address), &tried);
        address_format(&tried, text);
        if (connecting->address.host_is == ADDRESS_NAME)
                snprintf(out, SUBJECT_MAX, "%s of %s", text, connecting->address.host);
        else
                snprintf(out, SUBJECT_MAX, "%s", text);
}

static void note_failed_attempt(Connecting *connecting, const ConnectAttempt *attempt, int error)
{
        char subject[SUBJECT_MAX];
        int r;

        describe(connecting, &attempt->address, subject);
        r = error_set(-error, "%s: %s", strerror(-error), subject);
        note_failure(connecting, FAILED_TO_CONNECT, r, error_text());
}

static bool is_paced(const Connecting *connecting)
{
        return loop_event_is_added(connecting->pace);
}

static void on_attempt_ended(ConnectAttempt *attempt, int error);

/* Nobody has answered it for a second. */
static void give_up_oldest(Connecting *connecting)
{
        for (size_t i = 0; i < connecting->tried; i++) {
                ConnectAttempt *attempt = &connecting->attempts[i];

                if (attempt->fd < 0)
                        continue;
                connect_attempt_end(attempt);
                connecting->living--;
                note_failed_attempt(connecting, attempt, -ETIMEDOUT);
                return;
        }
}

static void advance(Connecting *connecting)
{
        const struct timeval delay = milliseconds(ATTEMPT_DELAY_MS);
        InetAddress address;

        while (!is_paced(connecting) && connecting->tried < CONNECT_ADDRESSES_MAX &&
               address_queue_take(&connecting->addresses, &address)) {
                ConnectAttempt *attempt = &connecting->attempts[connecting->tried];
                int r;

                if (connecting->living == CONNECTOR_SOCKETS_MAX)
                        give_up_oldest(connecting);
                connecting->tried++;
                r = connect_attempt_start(attempt, connecting->connector->loop, &address,
                                          on_attempt_ended, connecting);
                if (r == 0) {
                        finish_connected(connecting, attempt);
                        return;
                }
                if (r != -EINPROGRESS) {
                        note_failed_attempt(connecting, attempt, r);
                        continue;
                }
                connecting->living++;
                /* A number is the only address. */
                if (connecting->address.host_is == ADDRESS_NAME &&
                    loop_event_add(connecting->pace, &delay) < 0)
                        return; /* the attempt ends it, or the deadline */
        }
        if (connecting->living == 0 && !is_paced(connecting) &&
            !name_questions_are_open(&connecting->questions))
                finish_failed(connecting);
}

static void on_attempt_ended(ConnectAttempt *attempt, int error)
{
        Connecting *connecting = attempt->data;

        if (error == 0) {
                finish_connected(connecting, attempt);
                return;
        }
        connect_attempt_end(attempt);
        connecting->living--;
        note_failed_attempt(connecting, attempt, error);
        /* The next one need not wait. */
        loop_event_del(connecting->pace);
        advance(connecting);
}

static bool is_unspecified(const InetAddress *address)
{
        const struct in6_addr *v6 = &address->v6.sin6_addr;

        if (address->any.sa_family == AF_INET)
                return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
        return IN6_IS_ADDR_UNSPECIFIED(v6) ||
               (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr32[3] == htonl(INADDR_ANY));
}

/* Whether an address may be connected to, and can be. */
static int check_address(Connecting *connecting, const InetAddress *address)
{
        char subject[SUBJECT_MAX];
        Address asked;
        int r = address_from_socket(ADDRESS_TCP, &address->any, inet_address_size(address), &asked);

        if (r < 0)
                return r;
        /* The kernel would take it for this machine. Lists of blocked names answer so. */
        if (is_unspecified(address)) {
                describe(connecting, address, subject);
                return error_set(EADDRNOTAVAIL, "no address to connect to: %s", subject);
        }
        return connecting->allowed ? connecting->allowed(connecting->data, &asked) : 0;
}

/* Takes an answer's addresses, as far as they may be connected to. */
static void take_answer(Connecting *connecting, const NameAnswer *answer)
{
        if (answer->error < 0) {
                int r = error_set(-answer->error, "%s: %s", answer->sentence,
                                  connecting->address.host);

                note_failure(connecting, FAILED_TO_RESOLVE, r, error_text());
                return;
        }
        for (size_t i = 0; i < answer->count; i++) {
                InetAddress address = answer->addresses[i];
                int r;

                if (address.any.sa_family == AF_INET6)
                        address.v6.sin6_port = htons(connecting->address.port);
                else
                        address.v4.sin_port = htons(connecting->address.port);
                r = check_address(connecting, &address);
                if (r < 0)
                        note_failure(connecting, FAILED_TO_BE_ALLOWED, r, error_text());
                else
                        address_queue_add(&connecting->addresses, &address);
        }
}

static void on_answer(void *data, const NameAnswer *answer)
{
        take_answer(data, answer);
}

static void start(Connecting *connecting)
{
        NameAnswer number = {.count = 1};

        if (connecting->address.host_is == ADDRESS_NAME) {
                name_questions_ask(&connecting->questions, connecting->uid,
                                   connecting->address.host);
        } else {
                memcpy(&number.addresses[0], &connecting->address.socket_address,
                       connecting->address.size);
                take_answer(connecting, &number);
        }
        advance(connecting);
}

/* Has on_start called in the loop's next turn. */
static int start_soon(const Connector *connector)
{
        const struct timeval at_once = {0};

        return loop_event_is_added(connector->start) ? 0
                                                     : loop_event_add(connector->start, &at_once);
}

static void on_start(evutil_socket_t fd, short what, void *data)
{
        Connector *connector = data;
        Connecting *connecting;

        (void)fd;
        (void)what;
        for (int i = 0; i < STARTS_PER_TURN && (connecting = TAILQ_FIRST(&connector->starting));
             i++) {
                TAILQ_REMOVE(&connector->starting, connecting, start_link);
                connecting->starts = false;
                start(connecting);
        }
        /* Without the memory for a timer, in this turn. */
        if (!TAILQ_EMPTY(&connector->starting) && start_soon(connector) < 0)
                loop_event_activate(connector->start);
}

static void on_taken(void *data)
{
        advance(data);
}

static void on_pace(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        advance(data);
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
        Connecting *connecting = data;
        char subject[SUBJECT_MAX];

        (void)fd;
        (void)what;
        if (connecting->tried > 0)
                describe(connecting, &connecting->attempts[connecting->tried - 1].address, subject);
        else
                snprintf(subject, sizeof(subject), "%s", connecting->address.host);
        connecting->failed = FAILED_TO_CONNECT;
        connecting->error = error_set(ETIMEDOUT, "%s within %u ms: %s",
                                      connecting->tried > 0 ? "no answer" : "not resolved",
                                      connecting->timeout_ms, subject);
        snprintf(connecting->sentence, sizeof(connecting->sentence), "%s", error_text());
        finish_failed(connecting);
}

int connector_open(Connector **out, Loop *loop, BlockingPool *pool, const Address *name_servers,
                   size_t n)
{
        CLEANUP(cleanup_free) Connector *connector = calloc(1, sizeof(*connector));
        int r;

        if (!connector)
                return error_set(ENOMEM, "no memory for the connector");
        connector->loop = loop;
        TAILQ_INIT(&connector->connectings);
        TAILQ_INIT(&connector->starting);
        connector->start = loop_timer_new(loop, on_start, connector);
        if (!connector->start)
                return error_set(ENOMEM, "no memory for the connector");
        r = resolver_open(&connector->resolver, pool, name_servers, n);
        if (r < 0) {
                loop_event_free(connector->start);
                return r;
        }
        *out = STEAL_PTR(connector);
        return 0;
}

void connector_set_name_servers(Connector *connector, const Address *name_servers, size_t n)
{
        resolver_set_name_servers(connector->resolver, name_servers, n);
}

Connector *connector_close(Connector *connector)
{
        if (!connector)
                return NULL;
        while (!TAILQ_EMPTY(&connector->connectings))
                connecting_free(TAILQ_FIRST(&connector->connectings));
        resolver_close(connector->resolver);
        loop_event_free(connector->start);
        free(connector);
        return NULL;
}

static int check_start(const Address *address)
{
        if (address->kind != ADDRESS_TCP)
                return error_set(EAFNOSUPPORT, "only tcp: addresses can be connected to");
        if (address->host_is == ADDRESS_ANY)
                return error_set(EINVAL, "\"*\" is to listen on: name a host to connect to");
        if (address->port == 0)
                return error_set(EINVAL, "port 0 is to listen on: name a port to connect to");
        return 0;
}

int connector_start(Connector *connector, uid_t uid, const Address *address, unsigned timeout_ms,
                    ConnectorAllowed allowed, ConnectorDone done, void *data, Connecting **out)
{
        struct timeval deadline;
        Connecting *connecting;
        int r = check_start(address);

        if (r < 0)
                return r;
        connecting = calloc(1, sizeof(*connecting));
        if (!connecting)
                return error_set(ENOMEM, "no memory for a connection");
        TAILQ_INSERT_TAIL(&connector->connectings, connecting, link);
        connecting->connector = connector;
        connecting->uid = uid;
        connecting->address = *address;
        connecting->timeout_ms = timeout_ms == 0 ? CONNECTOR_TIMEOUT_MS : timeout_ms;
        if (connecting->timeout_ms > CONNECTOR_TIMEOUT_MAX_MS)
                connecting->timeout_ms = CONNECTOR_TIMEOUT_MAX_MS;
        connecting->allowed = allowed;
        connecting->done = done;
        connecting->data = data;
        connecting->deadline = loop_timer_new(connector->loop, on_deadline, connecting);
        connecting->pace = loop_timer_new(connector->loop, on_pace, connecting);
        connecting->questions = (NameQuestions){
                .take = on_answer,
                .taken = on_taken,
                .data = connecting,
        };
        deadline = milliseconds(connecting->timeout_ms);
        if (!connecting->deadline || !connecting->pace ||
            name_questions_open(&connecting->questions, connector->loop, connector->resolver) < 0 ||
            start_soon(connector) < 0 || loop_event_add(connecting->deadline, &deadline) < 0) {
                connecting_free(connecting);
                return error_set(ENOMEM, "no memory for a connection");
        }
        TAILQ_INSERT_TAIL(&connector->starting, connecting, start_link);
        connecting->starts = true;
        *out = connecting;
        return 0;
}

void connector_cancel(Connecting *connecting)
{
        connecting_free(connecting);
}
