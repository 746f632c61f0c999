/* The client's side of a pulse. See pulse_client.h. */
#include "tests/support/pulse_client.h"

#include "tests/support/service_frames.h"

#include <sys/mman.h>
#include <unistd.h>

void pulse_client_hello(RawClient *client)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, RAW_HELLO_VERSION, FRAME_PROTOCOL_VERSION);
        raw_put_number(&body, RAW_HELLO_PULSE, 1);
        raw_put_frame(&frame, 0, 1, RAW_HELLO, &body);
        ck_assert_int_eq(raw_client_send(client, &frame, NULL, 0), 0);
}

int pulse_client_welcome(RawClient *client)
{
        FdList fds = {.count = 0};
        const Iod__Frame *frame = service_receive(client, &fds);

        ck_assert_ptr_nonnull(frame);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_WELCOME);
        ck_assert_uint_eq(frame->sequence, 1);
        ck_assert_uint_eq(fds.count, frame->welcome->pulse);
        return fds.count > 0 ? fd_list_steal(&fds, 0) : -1;
}

PulsePage *pulse_client_map(int take_fd)
{
        PulsePage *page = mmap(NULL, PULSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, take_fd, 0);

        ck_assert_ptr_ne(page, MAP_FAILED);
        close(take_fd);
        atomic_store(&page->magic, PULSE_MAGIC);
        return page;
}

void pulse_client_unmap(PulsePage *page)
{
        ck_assert_int_eq(munmap(page, PULSE_BYTES), 0);
}

void pulse_client_write(PulsePage *page, uint64_t turns, uint64_t events, uint64_t registrations,
                        uint64_t state)
{
        atomic_store(&page->turns, turns);
        atomic_store(&page->events, events);
        atomic_store(&page->registrations, registrations);
        atomic_store(&page->state, state);
}
