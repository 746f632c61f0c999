/*
 * core/name: what may be a listener's name and a hold's, and that a refusal says what may not.
 */
#include "core/name.h"

#include "core/error.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char longest[] = "123456789012345678901234567890123456789012345678901234567890123";

START_TEST(a_listeners_name_is_what_needs_no_quotes_anywhere)
{
        char name[2] = "";

        ck_assert_int_eq(name_check_listener("web"), 0);
        ck_assert_int_eq(name_check_listener(longest), 0);
        for (int c = 1; c < 256; c++) {
                bool allowed = c > ' ' && c <= '~' && !strchr("\"'\\*", c);

                name[0] = (char)c;
                ck_assert_int_eq(name_check_listener(name), allowed ? 0 : -EINVAL);
        }
}
END_TEST

static const struct {
        const char *name;
        const char *sentence;
} refused[] = {
        {"", "has 1 to 63 bytes"},
        {"1234567890123456789012345678901234567890123456789012345678901234", "has 1 to 63 bytes"},
        {"a b", "has no blank: it is printable ASCII without blanks, quotes, \\ and *"},
        {"web*", "has no *: it is printable ASCII without blanks, quotes, \\ and *"},
        {"\"web\"", "has no \": it is printable ASCII without blanks, quotes, \\ and *"},
        {"it's", "has no ': it is printable ASCII without blanks, quotes, \\ and *"},
        {"a\\b", "has no \\: it is printable ASCII without blanks, quotes, \\ and *"},
        {"a\n", "has no byte 0x0a: it is printable ASCII without blanks, quotes, \\ and *"},
        {"\xc3\xa4", "has no byte 0xc3: it is printable ASCII without blanks, quotes, \\ and *"},
};

START_TEST(a_refusal_says_which_character_and_the_rule)
{
        char sentence[ERROR_TEXT_MAX];

        snprintf(sentence, sizeof(sentence), "a listener's name %s", refused[_i].sentence);
        ck_assert_int_eq(name_check_listener(refused[_i].name), -EINVAL);
        ck_assert_str_eq(error_text(), sentence);
        ck_assert_uint_le(strlen(sentence), ERROR_WIRE_MAX);
}
END_TEST

START_TEST(a_holds_name_is_graphic)
{
        char name[HOLD_NAME_MAX + 2];

        ck_assert_int_eq(name_check_hold("its\"*\""), 0);
        memset(name, 'n', sizeof(name));
        name[HOLD_NAME_MAX + 1] = '\0';
        ck_assert_int_eq(name_check_hold(name), -EINVAL);
        ck_assert_str_eq(error_text(),
                         "a hold's name is 1 to 64 bytes of printable ASCII without blanks");
        name[HOLD_NAME_MAX] = '\0';
        ck_assert_int_eq(name_check_hold(name), 0);
        ck_assert_int_eq(name_check_hold(""), -EINVAL);
        ck_assert_int_eq(name_check_hold("a b"), -EINVAL);
        ck_assert_int_eq(name_check_hold("a\x7f"), -EINVAL);
}
END_TEST

TEST_SUITE(test_name)
{
        TCase *names = tcase_create("names");

        tcase_add_test(names, a_listeners_name_is_what_needs_no_quotes_anywhere);
        tcase_add_loop_test(names, a_refusal_says_which_character_and_the_rule, 0,
                            sizeof(refused) / sizeof(refused[0]));
        tcase_add_test(names, a_holds_name_is_graphic);
        tcase_set_timeout(names, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, names);
}
