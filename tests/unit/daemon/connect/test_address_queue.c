/*
 * daemon/address_queue: families take turns, IPv6 first, whenever their addresses come.
 */
#include "daemon/connect/address_queue.h"
#include "tests/support/fixture.h"

/* Adds "4" and "6", numbered within the family, and takes one at each ".": what comes out. */
static void run(const char *script, char *out)
{
        AddressQueue queue = {.v4_is_next = false};
        unsigned added[2] = {0, 0};
        InetAddress address;

        for (; *script; script++) {
                bool is_v6 = *script == '6';

                if (*script == '.') {
                        bool empty = !address_queue_take(&queue, &address);

                        is_v6 = address.any.sa_family == AF_INET6;
                        *out++ = empty ? '-' : is_v6 ? '6' : '4';
                        if (!empty)
                                *out++ = (char)('a' + (is_v6 ? (int)address.v6.sin6_addr.s6_addr[0]
                                                             : (int)address.v4.sin_addr.s_addr));
                        continue;
                }
                address = (InetAddress){.any.sa_family = is_v6 ? AF_INET6 : AF_INET};
                if (is_v6)
                        address.v6.sin6_addr.s6_addr[0] = (uint8_t)added[1]++;
                else
                        address.v4.sin_addr.s_addr = added[0]++;
                ck_assert(address_queue_add(&queue, &address));
        }
        *out = '\0';
}

static const struct {
        const char *script;
        const char *taken;
} scripts[] = {
        {".", "-"},
        {"4.", "4a"},
        {"46..", "6a4a"},
        {"64..", "6a4a"},
        {"444666......", "6a4a6b4b6c4c"},
        {"4466666.......", "6a4a6b4b6c6d6e"},
        {"66444.....", "6a4a6b4b4c"},
        /* IPv6 comes late: it is its turn at once. */
        {"44.66...", "4a6a4b6b"},
        {"444..6..", "4a4b6a4c"},
        {"66.44...", "6a4a6b4b"},
        {"6.6.4..6.", "6a6b4a-6c"},
};

START_TEST(families_take_turns)
{
        char taken[64];

        run(scripts[_i].script, taken);
        ck_assert_str_eq(taken, scripts[_i].taken);
}
END_TEST

START_TEST(each_family_has_its_places)
{
        AddressQueue queue = {.v4_is_next = false};
        InetAddress v4 = {.any.sa_family = AF_INET};
        InetAddress v6 = {.any.sa_family = AF_INET6};

        for (unsigned i = 0; i < CONNECT_ADDRESSES_MAX; i++) {
                v4.v4.sin_addr.s_addr = i;
                v6.v6.sin6_addr.s6_addr[15] = (uint8_t)i;
                ck_assert(address_queue_add(&queue, &v4));
                ck_assert(address_queue_add(&queue, &v6));
        }
        v4.v4.sin_addr.s_addr++;
        v6.v6.sin6_addr.s6_addr[15]++;
        ck_assert(!address_queue_add(&queue, &v4));
        ck_assert(!address_queue_add(&queue, &v6));
        for (int i = 0; i < 2 * CONNECT_ADDRESSES_MAX; i++)
                ck_assert(address_queue_take(&queue, &v4));
        ck_assert(!address_queue_take(&queue, &v4));
}
END_TEST

START_TEST(what_was_added_before_is_left_out)
{
        AddressQueue queue = {.v4_is_next = false};
        InetAddress v6 = {.v6 = {.sin6_family = AF_INET6, .sin6_scope_id = 1}};

        ck_assert(address_queue_add(&queue, &v6));
        ck_assert(!address_queue_add(&queue, &v6));
        ck_assert(address_queue_take(&queue, &v6));
        ck_assert(!address_queue_add(&queue, &v6));
        /* The same on another link is another. */
        v6.v6.sin6_scope_id = 2;
        ck_assert(address_queue_add(&queue, &v6));
}
END_TEST

TEST_SUITE(test_address_queue)
{
        TCase *order = tcase_create("order");

        tcase_add_loop_test(order, families_take_turns, 0,
                            (int)(sizeof(scripts) / sizeof(scripts[0])));
        tcase_add_test(order, each_family_has_its_places);
        tcase_add_test(order, what_was_added_before_is_left_out);
        suite_add_tcase(suite, order);
}
