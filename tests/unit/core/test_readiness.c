/*
 * core/readiness: the bits mean the same everywhere, no event is without an effect, and the word
 * loses neither bits nor ticks.
 */
#include "core/readiness.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <string.h>
#include <sys/epoll.h>

START_TEST(the_bits_are_those_of_the_wire)
{
        ck_assert_int_eq(READINESS_READABLE, 1);
        ck_assert_int_eq(READINESS_WRITABLE, 2);
        ck_assert_int_eq(READINESS_READ_CLOSED, 4);
        ck_assert_int_eq(READINESS_WRITE_CLOSED, 8);
        ck_assert_int_eq(READINESS_ERROR, 16);
        ck_assert_int_eq(READINESS_PRIORITY, 32);
        ck_assert_int_eq(READINESS_ALL, 63);
}
END_TEST

/* ---- the word ---- */

START_TEST(an_event_adds_its_bits_and_one_tick)
{
        ReadinessWord word = readiness_word_add(0, READINESS_READABLE);

        ck_assert_uint_eq(readiness_word_bits(word), READINESS_READABLE);
        ck_assert_uint_eq(readiness_word_tick(word), 1);
        word = readiness_word_add(word, READINESS_WRITABLE);
        ck_assert_uint_eq(readiness_word_bits(word), READINESS_READABLE | READINESS_WRITABLE);
        ck_assert_uint_eq(readiness_word_tick(word), 2);
        /* The same again is an event all the same: who saw tick 2 must not clear it. */
        word = readiness_word_add(word, READINESS_WRITABLE);
        ck_assert_uint_eq(readiness_word_bits(word), READINESS_READABLE | READINESS_WRITABLE);
        ck_assert_uint_eq(readiness_word_tick(word), 3);
}
END_TEST

START_TEST(after_any_events_the_word_is_their_union_and_their_number)
{
        uint64_t state = 2;

        for (int round = 0; round < 1000; round++) {
                ReadinessWord word = 0;
                Readiness expected = 0;
                unsigned events = random_below(&state, 50);

                for (unsigned i = 0; i < events; i++) {
                        Readiness bits = (Readiness)random_next(&state);

                        expected |= bits;
                        word = readiness_word_add(word, bits);
                }
                ck_assert_uint_eq(readiness_word_bits(word), expected);
                ck_assert_uint_eq(readiness_word_tick(word), events);
        }
}
END_TEST

START_TEST(a_tick_that_wraps_leaves_the_bits_alone)
{
        ReadinessWord last = (UINT64_MAX << 16) | READINESS_WRITABLE;
        ReadinessWord word = readiness_word_add(last, READINESS_READABLE);

        ck_assert_uint_eq(readiness_word_tick(last), (UINT64_C(1) << 48) - 1);
        ck_assert_uint_eq(readiness_word_tick(word), 0);
        ck_assert_uint_eq(readiness_word_bits(word), READINESS_READABLE | READINESS_WRITABLE);
}
END_TEST

/* ---- what ends a wait ---- */

START_TEST(each_direction_ends_with_its_own_readiness_its_end_and_any_error)
{
        ck_assert_uint_eq(readiness_that_ends(READINESS_READABLE),
                          READINESS_READABLE | READINESS_READ_CLOSED | READINESS_ERROR);
        ck_assert_uint_eq(readiness_that_ends(READINESS_WRITABLE),
                          READINESS_WRITABLE | READINESS_WRITE_CLOSED | READINESS_ERROR);
        ck_assert_uint_eq(readiness_that_ends(READINESS_PRIORITY),
                          READINESS_PRIORITY | READINESS_READ_CLOSED | READINESS_ERROR);
        /* Closed bits are no interest: nobody waits for them alone. */
        ck_assert_uint_eq(readiness_that_ends(READINESS_READ_CLOSED), READINESS_ERROR);
}
END_TEST

START_TEST(two_interests_end_with_what_ends_either)
{
        for (Readiness a = 0; a <= READINESS_ALL; a++) {
                for (Readiness b = 0; b <= READINESS_ALL; b++)
                        ASSERT_IN_LOOP(readiness_that_ends(a | b) ==
                                       (readiness_that_ends(a) | readiness_that_ends(b)));
        }
}
END_TEST

/* ---- epoll ---- */

static const struct Translation {
        uint32_t events;
        Readiness bits;
} translations[] = {
        {0, 0},
        {EPOLLIN, READINESS_READABLE},
        {EPOLLOUT, READINESS_WRITABLE},
        {EPOLLPRI, READINESS_PRIORITY},
        {EPOLLRDHUP, READINESS_READ_CLOSED},
        /* A reader's pipe whose writers have gone is EPOLLHUP alone. */
        {EPOLLHUP, READINESS_READ_CLOSED | READINESS_WRITE_CLOSED},
        {EPOLLERR, READINESS_ERROR},
        {EPOLLIN | EPOLLOUT | EPOLLRDHUP,
         READINESS_READABLE | READINESS_WRITABLE | READINESS_READ_CLOSED},
        {EPOLLRDNORM | EPOLLMSG, 0},
};

START_TEST(epolls_events_become_bits)
{
        ck_assert_uint_eq(readiness_from_epoll(translations[_i].events), translations[_i].bits);
}
END_TEST

START_TEST(no_event_leaves_a_direction_waiting_for_ever)
{
        /* An event that can be the last there is has to end every wait it concerns. */
        Readiness read = readiness_that_ends(READINESS_READABLE);
        Readiness write = readiness_that_ends(READINESS_WRITABLE);

        ck_assert(readiness_from_epoll(EPOLLHUP) & read);
        ck_assert(readiness_from_epoll(EPOLLHUP) & write);
        ck_assert(readiness_from_epoll(EPOLLERR) & read);
        ck_assert(readiness_from_epoll(EPOLLERR) & write);
        ck_assert(readiness_from_epoll(EPOLLRDHUP) & read);
}
END_TEST

START_TEST(every_interest_is_edge_triggered_and_asks_for_what_it_says)
{
        const uint32_t asked = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP;

        for (Readiness interest = 0; interest <= READINESS_ALL; interest++) {
                uint32_t events = readiness_to_epoll(interest);
                Readiness comes = readiness_from_epoll(events & asked);

                ck_assert(events & EPOLLET);
                ck_assert_uint_eq(comes & READINESS_INTERESTS, interest & READINESS_INTERESTS);
                /* The other side's end of file comes with reading, and only with it. */
                ck_assert_int_eq((events & EPOLLRDHUP) != 0, (interest & READINESS_READABLE) != 0);
        }
}
END_TEST

/* ---- as text ---- */

START_TEST(bits_read_as_words)
{
        char text[READINESS_TEXT_MAX];

        ck_assert_str_eq(readiness_to_text(0, text), "-");
        ck_assert_str_eq(readiness_to_text(READINESS_READABLE, text), "readable");
        ck_assert_str_eq(readiness_to_text(READINESS_WRITABLE | READINESS_READABLE, text),
                         "readable writable");
        ck_assert_str_eq(readiness_to_text(READINESS_READ_CLOSED | READINESS_ERROR, text),
                         "read-closed error");
        /* Bits without a name are no text, not garbage. */
        ck_assert_str_eq(readiness_to_text(1 << 15, text), "-");
}
END_TEST

START_TEST(the_longest_text_fits)
{
        char text[READINESS_TEXT_MAX + 1];

        text[READINESS_TEXT_MAX] = '~';
        ck_assert_ptr_eq(readiness_to_text(UINT16_MAX, text), text);
        ck_assert_str_eq(text, "readable writable read-closed write-closed error priority");
        ck_assert_int_eq(text[READINESS_TEXT_MAX], '~');
}
END_TEST

TEST_SUITE(test_readiness)
{
        TCase *word = tcase_create("word");
        TCase *translation = tcase_create("translation");

        tcase_add_test(word, the_bits_are_those_of_the_wire);
        tcase_add_test(word, an_event_adds_its_bits_and_one_tick);
        tcase_add_test(word, after_any_events_the_word_is_their_union_and_their_number);
        tcase_add_test(word, a_tick_that_wraps_leaves_the_bits_alone);
        tcase_add_test(word, each_direction_ends_with_its_own_readiness_its_end_and_any_error);
        tcase_add_test(word, two_interests_end_with_what_ends_either);
        tcase_set_timeout(word, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, word);

        tcase_add_loop_test(translation, epolls_events_become_bits, 0,
                            (int)(sizeof(translations) / sizeof(translations[0])));
        tcase_add_test(translation, no_event_leaves_a_direction_waiting_for_ever);
        tcase_add_test(translation, every_interest_is_edge_triggered_and_asks_for_what_it_says);
        tcase_add_test(translation, bits_read_as_words);
        tcase_add_test(translation, the_longest_text_fits);
        tcase_set_timeout(translation, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, translation);
}
