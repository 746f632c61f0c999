/*
 * Round trips by libkyron. Whether the daemon or this process waits is KYRON_DELIVERY's to say, and
 * moving is between the two.
 */
#include "core/cleanup.h"
#include "tests/torture/trips.h"

#include <errno.h>
#include <stdio.h>

static KyronIoDriverHandle *handle;
static KyronDelivery delivery = KYRON_DELIVERY_RELAYED;

static void on_served_by(KyronIoDriverHandle *of, KyronServedBy by, void *user)
{
        Trips *trips = user;

        (void)of;
        trips->arrivals += by == KYRON_SERVED_DIRECTLY;
}

static bool open_handle(Trips *trips)
{
        const KyronOptions options = {
                .program = "healthy_client",
                .served_by_changed = on_served_by,
                .user = trips,
        };

        if (kyron_io_driver_handle_open(&handle, &options) == 0)
                return true;
        fprintf(stderr, "healthy_client: %s\n", kyron_error_text());
        return false;
}

static void on_completion(KyronOperation *operation)
{
        Trip *trip = operation->user;

        if (trip->state == TRIP_CONNECTS && operation->result == 0)
                kyron_tcp_stream_set_nodelay(trip->stream, true);
        trip_continue(trip, operation->result);
}

static ssize_t result_of(const Trip *trip, int r)
{
        if (r == KYRON_PENDING)
                return -EAGAIN;
        return r < 0 ? r : trip->operation.result;
}

static ssize_t connect_stream(Trip *trip, const Address *address)
{
        int r;

        kyron_operation_init(&trip->operation, on_completion, trip);
        r = kyron_tcp_stream_connect(&trip->stream, handle,
                                     (const struct sockaddr *)&address->storage, address->size,
                                     &trip->operation);
        if (r == 0)
                kyron_tcp_stream_set_nodelay(trip->stream, true);
        return r == KYRON_PENDING ? -EAGAIN : r;
}

static ssize_t write_stream(Trip *trip, const void *bytes, size_t size)
{
        return result_of(trip, kyron_tcp_stream_write(trip->stream, &trip->operation, bytes, size));
}

static ssize_t read_stream(Trip *trip, void *bytes, size_t size)
{
        return result_of(trip, kyron_tcp_stream_read(trip->stream, &trip->operation, bytes, size));
}

static void close_stream(Trip *trip)
{
        if (!trip->stream)
                return;
        kyron_operation_cancel(&trip->operation);
        kyron_tcp_stream_close(STEAL_PTR(trip->stream));
}

static int wait_for_all(int ms)
{
        return kyron_io_driver_handle_process_io(handle, ms);
}

static const char *error_text(int error)
{
        (void)error;
        return kyron_error_text();
}

static int move(void)
{
        delivery =
                delivery == KYRON_DELIVERY_RELAYED ? KYRON_DELIVERY_DIRECT : KYRON_DELIVERY_RELAYED;
        return kyron_io_driver_handle_set_delivery(handle, delivery);
}

static void close_handle(void)
{
        kyron_io_driver_handle_close(handle);
}

const TripIo trip_io_library = {
        .open = open_handle,
        .connect = connect_stream,
        .write = write_stream,
        .read = read_stream,
        .close_trip = close_stream,
        .wait = wait_for_all,
        .error_text = error_text,
        .move = move,
        .close = close_handle,
};
