/* Connecting through kyron-iod, which makes the connections and passes them on. See connects.h. */
#include "bench/connects.h"
#include "bench/program.h"

#include <errno.h>
#include <kyron.h>
#include <stdio.h>

typedef struct Place {
        unsigned number;
        KyronTcpStream *stream;
        KyronOperation operation;
        char address[64]; /* in place until the operation ends */
} Place;

static KyronIoDriverHandle *handle;
static Place places[CONNECTS_AT_ONCE];

static void on_connected(KyronOperation *operation)
{
        const Place *place = operation->user;

        if (operation->result < 0)
                program_fail("connect: %s", kyron_error_text());
        connects_done(place->number);
}

static void begin(unsigned number, const char *address)
{
        Place *place = &places[number];

        place->number = number;
        snprintf(place->address, sizeof(place->address), "tcp:%s", address);
        kyron_operation_init(&place->operation, on_connected, place);
        if (kyron_tcp_stream_connect_to(&place->stream, handle, place->address, 0,
                                        &place->operation) < 0)
                program_fail("connect: %s", kyron_error_text());
}

static void turn(void)
{
        int r = kyron_io_driver_handle_process_io(handle, -1);

        if (r < 0 && r != -EINTR)
                program_fail("%s", kyron_error_text());
}

static int fd_of(unsigned number)
{
        return kyron_bridged_fd_fd(kyron_tcp_stream_bridged_fd(places[number].stream));
}

static void close_place(unsigned number)
{
        kyron_tcp_stream_close(places[number].stream);
}

int main(int argc, char **argv)
{
        static const ConnectsMethod method = {
                .begin = begin,
                .turn = turn,
                .fd_of = fd_of,
                .close = close_place,
        };
        const KyronOptions options = {.program = "ours_connects"};

        program_begin("ours_connects");
        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                program_fail("%s", kyron_error_text());
        connects_run(&method, argc, argv);
        return 0;
}
