/* One connection of a load. See load_connection.h. */
#include "load_connection.h"

#include "load_message.h"
#include "load_transport.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        /* A datagram is sent again after so long without an answer; doubled each time that happens,
         * halved again each time it does not. */
        RESEND_TICKS = 10,
        DOUBLINGS_MAX = 5,
        CHAOS_NS_MIN = 50 * 1000,
        CHAOS_NS_MAX = 2000 * 1000,
};

/* One direction of a message. */
typedef struct Lane {
        KyronOperation operation;
        size_t done; /* bytes */
        bool waits;  /* the operation is the library's */
} Lane;

struct LoadConnection {
        LoadProcess *process;
        enum {
                IS_NEW, /* or waits for a Unix listener to have room */
                CONNECTS,
                PAUSES,
                EXCHANGES,
                IS_FINISHED,
        } state;
        LoadTransport transport;
        LoadMessageId id;
        Lane out;
        Lane in;
        uint64_t sent_tick;
        bool resent; /* this message */
        unsigned doublings;

        KyronTimer *chaos; /* NULL: no chaos */
        KyronOperation chaos_operation;
        bool chaos_waits;

        size_t size;
        uint8_t *message;
        uint8_t *reply;
        uint8_t buffer[]; /* of both */
};

static void exchange(LoadConnection *connection);

static LoadCount *count_of(LoadConnection *connection)
{
        return &connection->process->totals.of[connection->transport.target->protocol];
}

/* ---- The end ------------------------------------------------------------------------------- */

static void finish(LoadConnection *connection)
{
        connection->state = IS_FINISHED;
        connection->process->unfinished--;
        count_of(connection)->seconds = load_process_seconds(connection->process);
        if (connection->chaos)
                kyron_timer_after(connection->chaos, 0);
}

static void fail(LoadConnection *connection, const char *why)
{
        if (connection->state == IS_FINISHED)
                return;
        load_process_fail(connection->process, connection->transport.target->protocol,
                          "%s connection %u, round trip %" PRIu64 ": %s",
                          load_protocol_names[connection->transport.target->protocol],
                          connection->id.connection, connection->id.round_trip, why);
        finish(connection);
}

void load_connection_give_up(LoadConnection *connection)
{
        static const char *const states[] = {"unconnected", "connecting", "paused", "unanswered"};
        char text[128];

        if (connection->state == IS_FINISHED)
                return;
        snprintf(text, sizeof(text), "still %s: %zu of %zu bytes sent%s, %zu received%s",
                 states[connection->state], connection->out.done, connection->size,
                 connection->out.waits ? " (waits)" : "", connection->in.done,
                 connection->in.waits ? " (waits)" : "");
        fail(connection, text);
}

/* ---- Chaos --------------------------------------------------------------------------------- */

static bool happens_once_in(LoadConnection *connection, unsigned n)
{
        return connection->chaos && load_random(&connection->process->random) % n == 0;
}

/* Something is to happen at a random time soon. */
static void arm_chaos(LoadConnection *connection)
{
        int r;

        do {
                uint64_t ns = CHAOS_NS_MIN + load_random(&connection->process->random) %
                                                     (CHAOS_NS_MAX - CHAOS_NS_MIN);

                r = kyron_timer_after(connection->chaos, ns);
                if (r < 0 || connection->chaos_waits)
                        break;
                /* 0: that soon was too soon. */
                r = kyron_timer_wait(connection->chaos, &connection->chaos_operation);
        } while (r == 0);
        if (r < 0)
                fail(connection, kyron_error_text());
        else
                connection->chaos_waits = true;
}

/* Takes the operation back; it will be started again. */
static void cancel(LoadConnection *connection, Lane *lane)
{
        if (!lane->waits)
                return;
        lane->waits = false;
        if (kyron_operation_cancel(&lane->operation) < 0)
                fail(connection, "an operation that waits could not be cancelled");
        count_of(connection)->cancels++;
}

static void on_chaos(KyronOperation *operation)
{
        LoadConnection *connection = operation->user;

        connection->chaos_waits = false;
        if (operation->result < 0)
                fail(connection, kyron_error_text());
        if (connection->state == PAUSES)
                connection->state = EXCHANGES;
        if (connection->state != EXCHANGES)
                return;
        cancel(connection, &connection->out);
        cancel(connection, &connection->in);
        exchange(connection);
}

/* ---- Round trips --------------------------------------------------------------------------- */

static void take_sent(LoadConnection *connection, ssize_t result)
{
        if (result < 0) {
                fail(connection, kyron_error_text());
                return;
        }
        connection->out.done += (size_t)result;
        connection->sent_tick = connection->process->ticks;
}

static void take_received(LoadConnection *connection, ssize_t result)
{
        bool is_udp = connection->transport.target->protocol == LOAD_UDP;
        LoadVerdict verdict;

        if (result < 0) {
                fail(connection, kyron_error_text());
                return;
        }
        if (is_udp && (size_t)result != connection->size) {
                fail(connection, "a datagram of another size came back");
                return;
        }
        if (result == 0) {
                fail(connection, "the server has closed the connection");
                return;
        }
        connection->in.done += (size_t)result;
        if (connection->in.done < connection->size)
                return;
        verdict = load_message_check(connection->reply, connection->message, connection->size,
                                     &connection->id, connection->process->options->seed);
        if (is_udp && verdict == LOAD_REPLY_LATE)
                connection->in.done = 0; /* to what was sent again, and answered since */
        else if (verdict != LOAD_REPLY_GOOD)
                fail(connection, "what came back is not what was sent");
}

/* Goes on in one direction, unless there it waits or is done already. True if it got further. */
static bool go_on(LoadConnection *connection, Lane *lane)
{
        bool sends = lane == &connection->out;
        ssize_t result;
        size_t at;

        if (connection->state != EXCHANGES || lane->waits || lane->done == connection->size)
                return false;
        at = lane->done;
        result = sends ? load_transport_send(&connection->transport, &lane->operation,
                                             connection->message + at, connection->size - at)
                       : load_transport_receive(&connection->transport, &lane->operation,
                                                connection->reply + at, connection->size - at);
        if (result == KYRON_PENDING) {
                lane->waits = true;
                if (!happens_once_in(connection, 8))
                        return false;
                cancel(connection, lane);
                return true;
        }
        if (result == 0)
                result = lane->operation.result;
        if (sends)
                take_sent(connection, result);
        else
                take_received(connection, result);
        return true;
}

/* Begins the next round trip, or a pause before it. */
static void begin(LoadConnection *connection)
{
        load_message_write(connection->message, connection->size, &connection->id,
                           connection->process->options->seed);
        connection->out.done = connection->in.done = 0;
        connection->resent = false;
        connection->state = happens_once_in(connection, 4) ? PAUSES : EXCHANGES;
        if (connection->state == PAUSES)
                arm_chaos(connection);
}

static void end_round_trip(LoadConnection *connection)
{
        count_of(connection)->round_trips++;
        count_of(connection)->bytes += connection->size;
        if (!connection->resent && connection->doublings > 0)
                connection->doublings--;
        /* A datagram may just be about to be sent again. */
        cancel(connection, &connection->out);
        if (++connection->id.round_trip == connection->process->options->round_trips)
                finish(connection);
        else
                begin(connection);
}

/* Goes on until it has to wait. */
static void exchange(LoadConnection *connection)
{
        bool moved = true;

        while (moved && connection->state == EXCHANGES) {
                moved = go_on(connection, &connection->out);
                moved |= go_on(connection, &connection->in);
                if (connection->state == EXCHANGES && connection->in.done == connection->size)
                        end_round_trip(connection);
        }
        if (connection->state == EXCHANGES && happens_once_in(connection, 4))
                arm_chaos(connection);
}

static void connected(LoadConnection *connection)
{
        count_of(connection)->connections++;
        begin(connection);
        exchange(connection);
}

static void on_lane(KyronOperation *operation)
{
        LoadConnection *connection = operation->user;
        bool sends = operation == &connection->out.operation;

        (sends ? &connection->out : &connection->in)->waits = false;
        if (connection->state == CONNECTS && operation->result == 0) {
                connected(connection);
                return;
        }
        if (sends)
                take_sent(connection, operation->result);
        else
                take_received(connection, operation->result);
        if (connection->state == EXCHANGES && connection->in.done == connection->size)
                end_round_trip(connection);
        exchange(connection);
}

static bool answer_is_overdue(const LoadConnection *connection)
{
        uint64_t ticks = connection->process->ticks - connection->sent_tick;

        return connection->transport.target->protocol == LOAD_UDP &&
               connection->state == EXCHANGES && connection->out.done == connection->size &&
               ticks >= (uint64_t)RESEND_TICKS << connection->doublings;
}

void load_connection_tick(LoadConnection *connection)
{
        if (connection->state == IS_NEW)
                load_connection_open(connection);
        if (!answer_is_overdue(connection))
                return;
        connection->out.done = 0;
        connection->resent = true;
        if (connection->doublings < DOUBLINGS_MAX)
                connection->doublings++;
        count_of(connection)->resends++;
        exchange(connection);
}

/* ---- The beginning ------------------------------------------------------------------------- */

void load_connection_open(LoadConnection *connection)
{
        KyronIoDriverHandle *handle = connection->process->handle;
        int r = 0;

        if (connection->process->options->chaos && !connection->chaos)
                r = kyron_timer_new(&connection->chaos, handle);
        if (r == 0)
                r = load_transport_open(&connection->transport, handle, &connection->out.operation);
        if (r == -EAGAIN && connection->transport.target->protocol == LOAD_UNIX)
                return; /* the next tick tries again */
        if (r == KYRON_PENDING) {
                connection->out.waits = true;
                connection->state = CONNECTS;
        } else if (r < 0) {
                fail(connection, kyron_error_text());
        } else {
                connected(connection);
        }
}

LoadConnection *load_connection_new(LoadProcess *process, const LoadTarget *target, uint32_t number)
{
        size_t size = process->options->size;
        LoadConnection *connection = calloc(1, sizeof(*connection) + 2 * size);

        if (!connection)
                return NULL;
        connection->process = process;
        connection->transport.target = target;
        connection->id = (LoadMessageId){.process = process->number, .connection = number};
        connection->size = size;
        connection->message = connection->buffer;
        connection->reply = connection->buffer + size;
        kyron_operation_init(&connection->out.operation, on_lane, connection);
        kyron_operation_init(&connection->in.operation, on_lane, connection);
        kyron_operation_init(&connection->chaos_operation, on_chaos, connection);
        return connection;
}

void load_connection_free(LoadConnection *connection)
{
        kyron_operation_cancel(&connection->out.operation);
        kyron_operation_cancel(&connection->in.operation);
        kyron_operation_cancel(&connection->chaos_operation);
        load_transport_close(&connection->transport);
        kyron_timer_close(connection->chaos);
        free(connection);
}
