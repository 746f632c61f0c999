/* A healthy client's round trips. See trips.h. */
#include "tests/torture/trips.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

enum {
        /* For what is on its way at the end; whatever the daemon does, it has done by then. */
        LAST_ANSWERS_S = 15,
        COMPLAINTS_MAX = 3,
};

int64_t trips_now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * SECOND_NS + now.tv_nsec;
}

void trips_complain(Trips *trips, const char *what, const char *why)
{
        if (trips->complaints++ < COMPLAINTS_MAX)
                fprintf(stderr, "healthy_client: %s: %s\n", what, why);
}

/* ---- One round trip ------------------------------------------------------------------------ */

static void fail(Trip *trip, const char *why)
{
        Trips *trips = trip->trips;

        trips_complain(trips,
                       trip->state == TRIP_CONNECTS   ? "connecting"
                       : trip->state == TRIP_RECEIVES ? "receiving"
                                                      : "sending",
                       why);
        trips->failed++;
        if (trip->state == TRIP_CONNECTS)
                trips->connecting--;
        else
                trips->busy--;
        trip->state = TRIP_IDLE;
        trip->is_open = false;
        trips->io->close_trip(trip);
}

static void begin(Trip *trip, int64_t due_ns)
{
        const uint64_t index = (uint64_t)(trip - trip->trips->trip);

        trip->begun_ns = due_ns;
        trip->overdue_ns = 0;
        trip->done = 0;
        trip->number++;
        for (size_t i = 0; i < TRIP_BYTES / sizeof(uint64_t); i++)
                trip->message[i] = (trip->number << 32 | index) * (i + 1);
        trip->state = TRIP_SENDS;
        trip->trips->busy++;
}

static void end(Trip *trip)
{
        Trips *trips = trip->trips;

        if (memcmp(trip->message, trip->reply, TRIP_BYTES) != 0) {
                fail(trip, "what came back is not what was sent");
                return;
        }
        latency_add(&trips->latency, (uint64_t)(trips_now_ns() - trip->begun_ns));
        trip->state = TRIP_IDLE;
        trips->busy--;
        if (trip->overdue_ns > 0 && !trips->is_ending)
                begin(trip, trip->overdue_ns);
}

static void take(Trip *trip, ssize_t result)
{
        if (result < 0 || (result == 0 && trip->state == TRIP_RECEIVES)) {
                fail(trip, result < 0 ? trip->trips->io->error_text((int)result)
                                      : "the server has closed");
                return;
        }
        if (trip->state == TRIP_CONNECTS) {
                trip->state = TRIP_IDLE;
                trip->trips->connecting--;
                return;
        }
        trip->done += (size_t)result;
        if (trip->done < TRIP_BYTES)
                return;
        trip->done = 0;
        if (trip->state == TRIP_SENDS)
                trip->state = TRIP_RECEIVES;
        else
                end(trip);
}

void trip_go_on(Trip *trip)
{
        const TripIo *io = trip->trips->io;

        while (trip->state == TRIP_SENDS || trip->state == TRIP_RECEIVES) {
                size_t left = TRIP_BYTES - trip->done;
                ssize_t n = trip->state == TRIP_SENDS
                                    ? io->write(trip, (uint8_t *)trip->message + trip->done, left)
                                    : io->read(trip, (uint8_t *)trip->reply + trip->done, left);

                if (n == -EAGAIN)
                        return;
                take(trip, n);
        }
}

void trip_continue(Trip *trip, ssize_t result)
{
        take(trip, result);
        trip_go_on(trip);
}

/* ---- All of them --------------------------------------------------------------------------- */

void trips_connect(Trips *trips)
{
        for (unsigned i = 0; i < trips->connections; i++) {
                Trip *trip = &trips->trip[i];
                ssize_t r;

                trip->trips = trips;
                trip->is_open = true;
                trips->connecting++;
                r = trips->io->connect(trip, &trips->address);
                if (r != -EAGAIN)
                        take(trip, r);
        }
        while (trips->connecting > 0 && trips_turn(trips, trips_now_ns() + SECOND_NS))
                ;
        for (unsigned i = 0; i < trips->connections; i++) {
                if (!trips->trip[i].is_open)
                        continue;
                begin(&trips->trip[i], trips_now_ns());
                trip_go_on(&trips->trip[i]);
        }
        while (trips->busy > 0 && trips_turn(trips, trips_now_ns() + SECOND_NS))
                ;
}

void trips_start(Trips *trips)
{
        trips->started_ns = trips_now_ns();
        trips->begun = 0;
}

int64_t trips_begin_due(Trips *trips)
{
        int64_t period_ns = SECOND_NS / trips->rate, now = trips_now_ns(), due;

        while ((due = trips->started_ns + (int64_t)trips->begun * period_ns) <= now) {
                Trip *trip = &trips->trip[trips->next];

                trips->begun++;
                trips->next = trips->next + 1 < trips->connections ? trips->next + 1 : 0;
                if (!trip->is_open)
                        continue;
                if (trip->state != TRIP_IDLE) {
                        if (trip->overdue_ns == 0)
                                trip->overdue_ns = due;
                        continue;
                }
                begin(trip, trips_now_ns());
                trip_go_on(trip);
        }
        return due;
}

bool trips_turn(Trips *trips, int64_t until_ns)
{
        int64_t left_ns = until_ns - trips_now_ns();
        int r = trips->io->wait(left_ns > 0 ? (int)((left_ns + 999999) / 1000000) : 0);

        if (r >= 0 || r == -EINTR)
                return true;
        trips_complain(trips, "waiting", trips->io->error_text(r));
        trips->failed += trips->busy > 0 ? trips->busy : 1;
        trips->busy = 0;
        return false;
}

void trips_end(Trips *trips)
{
        int64_t until_ns = trips_now_ns() + LAST_ANSWERS_S * SECOND_NS;

        trips->is_ending = true;
        while (trips->busy > 0 && trips_now_ns() < until_ns && trips_turn(trips, until_ns))
                ;
        trips->lost = trips->busy;
}

void trips_close(Trips *trips)
{
        for (unsigned i = 0; i < trips->connections; i++) {
                if (trips->trip[i].is_open)
                        trips->io->close_trip(&trips->trip[i]);
        }
        trips->io->close();
}
