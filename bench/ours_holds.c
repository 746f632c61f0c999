/* Holding and taking with kyron-iod. See holds.h. */
#include "bench/holds.h"
#include "bench/program.h"

#include <errno.h>
#include <kyron.h>

enum { TIME_TO_LIVE_MS = 3600 * 1000 };

typedef struct Place {
        KyronOperation operation;
        KyronHeld held;
        int *out; /* NULL: it is being held */
} Place;

static KyronIoDriverHandle *handle;
static Place places[HOLDS_MAX];
static unsigned waits;

static void on_done(KyronOperation *operation)
{
        Place *place = operation->user;

        if (operation->result < 0)
                program_fail("%s", kyron_error_text());
        if (place->out)
                *place->out = place->held.fd;
        waits--;
}

static void begin(unsigned number, int *out)
{
        Place *place = &places[number];

        kyron_operation_init(&place->operation, on_done, place);
        place->out = out;
        waits++;
}

static void hold(unsigned number, int borrow_fd, const char *name)
{
        begin(number, NULL);
        if (kyron_hold(handle, borrow_fd, name, NULL, 0, TIME_TO_LIVE_MS,
                       &places[number].operation) < 0)
                program_fail("%s", kyron_error_text());
}

static void take(unsigned number, const char *name, int *out)
{
        begin(number, out);
        if (kyron_take_held(handle, name, &places[number].operation, &places[number].held) < 0)
                program_fail("%s", kyron_error_text());
}

static void settle(void)
{
        while (waits > 0) {
                int r = kyron_io_driver_handle_process_io(handle, -1);

                if (r < 0 && r != -EINTR)
                        program_fail("%s", kyron_error_text());
        }
}

int main(int argc, char **argv)
{
        static const HoldsMethod method = {.hold = hold, .take = take, .settle = settle};
        const KyronOptions options = {.program = "ours_holds"};

        program_begin("ours_holds");
        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                program_fail("%s", kyron_error_text());
        holds_run(&method, argc, argv);
        kyron_io_driver_handle_close(handle);
        return 0;
}
