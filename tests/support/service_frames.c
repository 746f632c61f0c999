/* The requests of ready descriptors. See service_frames.h. */
#include "tests/support/service_frames.h"

#include "proto/frame_socket.h"
#include "tests/support/deadline.h"

#include <errno.h>

void service_send(RawClient *client, Iod__Frame *frame, const int *borrow_fds, size_t n)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        frame->descriptors = (uint32_t)n;
        size = frame_encode(frame, bytes);
        ck_assert_int_gt(size, 0);
        ck_assert(WAIT_UNTIL((r = frame_socket_send(client->socket_fd, bytes, (size_t)size,
                                                    borrow_fds, n)) != -EAGAIN,
                             DEADLINE_MS));
        ck_assert_int_eq(r, 0);
}

static void make_sources(uint64_t *sources, uint32_t first_slot, uint32_t slots)
{
        ck_assert_uint_le(slots, 1024);
        for (uint32_t i = 0; i < slots; i++)
                sources[i] = raw_source(first_slot + i, 1, SERVICE_INTEREST);
}

void service_join_as(RawClient *client, uint32_t sequence, Iod__Join *join, uint32_t first_slot,
                     uint32_t slots)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        uint64_t sources[1024];

        make_sources(sources, first_slot, slots);
        join->source = sources;
        join->n_source = slots;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_JOIN;
        frame.join = join;
        service_send(client, &frame, NULL, 0);
}

void service_join(RawClient *client, uint32_t sequence, const char *name, const char *address,
                  uint32_t first_slot, uint32_t slots, const Iod__ListenerOptions *options)
{
        Iod__Join join = IOD__JOIN__INIT;

        join.name = (char *)name;
        join.address = (char *)address;
        join.options = (Iod__ListenerOptions *)options;
        service_join_as(client, sequence, &join, first_slot, slots);
}

void service_offer(RawClient *client, uint32_t sequence, uint32_t endpoint, uint32_t first_slot,
                   uint32_t slots)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Offer offer = IOD__OFFER__INIT;
        uint64_t sources[1024];

        make_sources(sources, first_slot, slots);
        offer.endpoint = endpoint;
        offer.source = sources;
        offer.n_source = slots;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_OFFER;
        frame.offer = &offer;
        service_send(client, &frame, NULL, 0);
}

void service_leave(RawClient *client, uint32_t sequence, uint32_t endpoint)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Leave leave = IOD__LEAVE__INIT;

        leave.endpoint = endpoint;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_LEAVE;
        frame.leave = &leave;
        service_send(client, &frame, NULL, 0);
}

static void send_ids(RawClient *client, Iod__AddIoSource *add)
{
        Iod__Frame frame = IOD__FRAME__INIT;

        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = add;
        service_send(client, &frame, NULL, 0);
}

void service_taken(RawClient *client, const uint64_t *ids, size_t n)
{
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;

        add.taken = (uint64_t *)ids;
        add.n_taken = n;
        send_ids(client, &add);
}

void service_gone(RawClient *client, const uint64_t *ids, size_t n)
{
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;

        add.gone = (uint64_t *)ids;
        add.n_gone = n;
        send_ids(client, &add);
}

Iod__Frame *service_receive(RawClient *client, FdList *fds)
{
        Iod__Frame *frame;
        int size;

        fds->count = 0;
        ck_assert_msg(wait_readable(client->socket_fd, DEADLINE_MS), "nothing came");
        size = frame_socket_receive(client->socket_fd, client->packet, sizeof(client->packet), fds);
        if (size <= 0)
                return NULL;
        ck_assert_msg(
                frame_decode(&client->arena, client->packet, (size_t)size, fds->count, &frame) == 0,
                "%s", error_text());
        return frame;
}

uint32_t service_count_in_hand(RawClient *client, pid_t worker)
{
        Iod__Frame frame = IOD__FRAME__INIT, *answer;
        Iod__ListGroups list = IOD__LIST_GROUPS__INIT;
        FdList fds;
        uint32_t count = 0;

        frame.sequence = 1;
        frame.body_case = IOD__FRAME__BODY_LIST_GROUPS;
        frame.list_groups = &list;
        service_send(client, &frame, NULL, 0);
        answer = service_receive(client, &fds);
        ck_assert(answer && answer->body_case == IOD__FRAME__BODY_GROUPS);
        for (size_t i = 0; i < answer->groups->n_entry; i++) {
                if (answer->groups->entry[i]->pid == worker)
                        count = answer->groups->entry[i]->in_hand;
        }
        return count;
}
