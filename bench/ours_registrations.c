/* Registering with kyron-iod, and closing. See registrations.h. */
#include "bench/program.h"
#include "bench/registrations.h"

#include <errno.h>
#include <kyron.h>

typedef struct Place {
        KyronBridgedFd *bridged_fd;
        KyronWaker waker;
} Place;

static KyronIoDriverHandle *handle;
static Place places[REGISTRATIONS_WINDOW];
static unsigned marks;

static void on_mark(KyronWaker *waker)
{
        (void)waker;
        marks++;
}

/* As if it had been tried: an eventfd of 0 has nothing to read. */
static void add(unsigned number, int take_fd, bool is_mark)
{
        Place *place = &places[number];
        KyronAsyncRegistration *registration;
        KyronReadyEvent event;
        int r = kyron_bridged_fd_new(&place->bridged_fd, handle, take_fd);

        (void)is_mark;
        if (r < 0)
                program_fail("a registration: %s", kyron_error_text());
        registration = kyron_bridged_fd_registration(place->bridged_fd);
        place->waker = (KyronWaker){.wake = on_mark};
        do {
                r = kyron_async_registration_request_readiness(registration, KYRON_READABLE,
                                                               &place->waker, &event);
                if (r == 0)
                        kyron_async_registration_clear_readiness(registration, &event,
                                                                 KYRON_READABLE);
        } while (r == 0);
        if (r < 0)
                program_fail("a registration: %s", kyron_error_text());
}

static unsigned flush(bool wait)
{
        unsigned seen;

        do {
                int r = kyron_io_driver_handle_process_io(handle, wait && marks == 0 ? -1 : 0);

                if (r < 0 && r != -EINTR)
                        program_fail("%s", kyron_error_text());
        } while (wait && marks == 0);
        seen = marks;
        marks = 0;
        return seen;
}

static void close_place(unsigned number)
{
        Place *place = &places[number];

        kyron_async_registration_cancel(kyron_bridged_fd_registration(place->bridged_fd),
                                        &place->waker);
        kyron_bridged_fd_close(place->bridged_fd);
}

int main(int argc, char **argv)
{
        static const RegistrationsMethod method = {
                .add = add,
                .flush = flush,
                .close = close_place,
        };
        const KyronOptions options = {.program = "ours_registrations"};

        program_begin("ours_registrations");
        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                program_fail("%s", kyron_error_text());
        registrations_run(&method, 0, argc, argv);
        kyron_io_driver_handle_close(handle);
        return 0;
}
