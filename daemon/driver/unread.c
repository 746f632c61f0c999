/* Since when packets are unread. See unread.h. */
#include "daemon/driver/unread.h"

#include "proto/frame.h"
#include "proto/frame_socket.h"

#include <sys/socket.h>
#include <unistd.h>

/* The largest of the first class; the next ones are half as much more, or twice as much. */
enum { FIRST_SIZE = 32 };

_Static_assert(FIRST_SIZE << (UNREAD_CHARGES / 2) >= FRAME_BYTES_MAX, "there is a class for each");

static size_t class_size(size_t class)
{
        const size_t power = (size_t)FIRST_SIZE << ((class + 1) / 2);
        const size_t size = class % 2 ? power - power / 4 : power;

        return size < FRAME_BYTES_MAX ? size : FRAME_BYTES_MAX;
}

static uint8_t class_of(size_t size)
{
        uint8_t class = 0;

        while (class < UNREAD_CHARGES - 1 && class_size(class) < size)
                class ++;
        return class;
}

/* What a packet of that size is charged over an empty socket; UINT32_MAX: it cannot be told. */
static uint32_t measure(size_t size)
{
        static const uint8_t packet[FRAME_BYTES_MAX];
        const int room = FRAME_BYTES_MAX; /* as a session's */
        uint32_t charged = UINT32_MAX;
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return charged;
        if (setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0 &&
            frame_socket_send(ends[0], packet, size, NULL, 0) >= 0)
                charged = frame_socket_charged(ends[0]);
        close(ends[0]);
        close(ends[1]);
        return charged;
}

void unread_measure_charges(UnreadCharges *out)
{
        for (size_t class = 0; class < UNREAD_CHARGES; class ++)
                out->of[class] = measure(class_size(class));
}

void unread_note(Unread *unread, size_t size, uint64_t now_ms)
{
        const uint64_t after_ms = now_ms - unread->newest_ms;

        unread->newest_ms = now_ms;
        unread->after_ms[unread->next] = after_ms < UINT16_MAX ? (uint16_t)after_ms : UINT16_MAX;
        unread->classes[unread->next] = class_of(size);
        unread->next = (uint16_t)((unread->next + 1) % UNREAD_PACKETS_MAX);
        if (unread->count < UNREAD_PACKETS_MAX)
                unread->count++;
}

uint64_t unread_for_ms(const Unread *unread, const UnreadCharges *charges, uint32_t charged,
                       uint64_t now_ms)
{
        uint64_t age_ms = now_ms - unread->newest_ms, oldest_ms = 0;

        for (uint32_t back = 1; back <= unread->count && charged > 0; back++) {
                const uint32_t i = (unread->next + UNREAD_PACKETS_MAX - back) % UNREAD_PACKETS_MAX;
                const uint32_t charge = charges->of[unread->classes[i]];

                oldest_ms = age_ms > 0 ? age_ms : 1;
                age_ms += unread->after_ms[i];
                charged = charge < charged ? charged - charge : 0;
        }
        return oldest_ms;
}
