/* daemon/offers: first come, first used; what was out has its place; the memory goes by what is
 * there. */
#include "daemon/listen/offers.h"

#include "tests/support/fixture.h"
#include "tests/support/random.h"

enum { MOST = 4096 };

START_TEST(whatever_is_offered_used_and_given_back_keeps_its_order)
{
        static uint64_t model[2 * MOST], given[MOST];
        Offers offers = {.sources = NULL};
        uint32_t first = MOST, count = 0, out = 0;
        uint64_t state = 12, next = 1;

        for (int round = 0; round < 20000; round++) {
                uint32_t n = random_below(&state, 8);

                switch (random_below(&state, 4)) {
                case 0:
                        if (first + count + n > 2 * MOST)
                                break;
                        for (uint32_t i = 0; i < n; i++)
                                model[first + count + i] = given[i] = next++;
                        ASSERT_IN_LOOP(offers_add(&offers, given, n, out) == 0);
                        count += n;
                        break;
                case 1:
                        for (; n > 0 && count > 0; n--, count--, out++)
                                ASSERT_IN_LOOP(offers_take(&offers) == model[first++]);
                        break;
                case 2:
                        for (; n > 0 && out > 0; n--, count++, out--)
                                offers_give_back(&offers, model[--first]);
                        break;
                default:
                        out = out > n ? out - n : 0; /* used up */
                        offers_settle(&offers, out);
                }
                ASSERT_IN_LOOP(offers.count == count);
                if (count + out == 0)
                        first = MOST;
        }
        offers.count = 0;
        offers_settle(&offers, 0);
        ck_assert_ptr_null(offers.sources);
}
END_TEST

START_TEST(what_is_used_up_gives_back_its_memory)
{
        static uint64_t sources[MOST];
        Offers offers = {.sources = NULL};

        ck_assert_int_eq(offers_add(&offers, sources, 0, 0), 0);
        ck_assert_uint_eq(offers.capacity, 0);
        ck_assert_int_eq(offers_add(&offers, sources, MOST, 0), 0);
        ck_assert_uint_eq(offers.capacity, MOST);
        for (uint32_t left = MOST; left > 0; left--) {
                offers_take(&offers);
                offers_settle(&offers, 0);
                ck_assert_uint_le(offers.capacity, 4 * left);
        }
        ck_assert_ptr_null(offers.sources);
}
END_TEST

TEST_SUITE(test_offers)
{
        TCase *tcase = tcase_create("offers");

        tcase_add_test(tcase, whatever_is_offered_used_and_given_back_keeps_its_order);
        tcase_add_test(tcase, what_is_used_up_gives_back_its_memory);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
