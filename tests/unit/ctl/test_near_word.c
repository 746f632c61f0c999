/* ctl/near_word: what somebody meant who mistyped a word, and no guess where nothing is near. */
#include "ctl/near_word.h"

#include "tests/support/fixture.h"

static const char *nearest_to(const char *typed)
{
        static const char *const words[] = {
                "status", "sessions", "registrations", "listeners", "groups", "waits", "why"};
        NearWord near = {.typed = typed};

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                near_word_try(&near, words[i]);
        return near.nearest;
}

static const struct {
        const char *typed;
        const char *meant;
} mistyped[] = {
        {"sesions", "sessions"},
        {"sessoins", "sessions"},
        {"seassions", "sessions"},
        {"sessionz", "sessions"},
        {"registration", "registrations"},
        {"reg", "registrations"},
        {"listners", "listeners"},
        {"gruops", "groups"},
        {"wait", "waits"},
        {"wiats", "waits"},
        {"wy", NULL},
        {"wyh", "why"},
        {"frobnicate", NULL},
        {"", NULL},
        {"s", NULL},
        {"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", NULL},
        {"abcdefghijklmnopqrstuvwxyzabcdef", NULL},
};

START_TEST(the_nearest_word_is_told)
{
        const char *meant = nearest_to(mistyped[_i].typed);

        if (mistyped[_i].meant)
                ck_assert_pstr_eq(meant, mistyped[_i].meant);
        else
                ck_assert_ptr_null(meant);
}
END_TEST

TEST_SUITE(test_near_word)
{
        TCase *words = tcase_create("words");

        tcase_add_loop_test(words, the_nearest_word_is_told, 0,
                            sizeof(mistyped) / sizeof(mistyped[0]));
        suite_add_tcase(suite, words);
}
