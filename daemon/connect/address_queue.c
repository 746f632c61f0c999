/* Addresses in the order they are tried. See address_queue.h. */
#include "daemon/connect/address_queue.h"

static bool family_is_empty(const FamilyQueue *family)
{
        return family->next == family->count;
}

bool address_queue_add(AddressQueue *queue, const InetAddress *address)
{
        FamilyQueue *family = address->any.sa_family == AF_INET6 ? &queue->v6 : &queue->v4;

        if (family->count == CONNECT_ADDRESSES_MAX)
                return false;
        for (size_t i = 0; i < family->count; i++) {
                if (inet_address_same_host(&family->addresses[i], address))
                        return false;
        }
        family->addresses[family->count++] = *address;
        return true;
}

bool address_queue_take(AddressQueue *queue, InetAddress *out)
{
        bool take_v4 =
                queue->v4_is_next ? !family_is_empty(&queue->v4) : family_is_empty(&queue->v6);
        FamilyQueue *family = take_v4 ? &queue->v4 : &queue->v6;

        if (family_is_empty(family))
                return false;
        *out = family->addresses[family->next++];
        queue->v4_is_next = !take_v4;
        return true;
}
