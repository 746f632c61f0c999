/* ctl/shown_text: text of anybody's, as it comes to a terminal. */
#include "ctl/shown_text.h"

#include "core/cleanup.h"
#include "tests/support/fixture.h"

#include <locale.h>
#include <string.h>

static void use_utf8(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void use_c(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C"));
}

static const struct {
        const char *text;
        const char *shown;
        size_t width;
} texts[] = {
        {"nginx", "nginx", 5},
        {"", "", 0},
        {"a\nb\tc\rd", "a?b?c?d", 7},
        {"\033[2J\033]0;x\007", "?[2J?]0;x?", 10},
        {"größe", "größe", 5},
        {"日本語", "日本語", 6},
        {"a\xff\xc3", "a??", 3},
        {"\xe6\x97", "??", 2},      /* half of a character */
        {"e\xcc\x81x", "e?x", 3},   /* a mark that takes no place of its own */
        {"\xe2\x80\xaex", "?x", 2}, /* from right to left */
        {"\xc2\x9b[2J", "?[2J", 4}, /* what some terminals take for an escape */
        {"\x7f", "?", 1},
};

START_TEST(what_is_no_printable_character_is_shown_as_one_question_mark)
{
        char text[64];

        snprintf(text, sizeof(text), "%s", texts[_i].text);
        shown_text_make_printable(text);
        ck_assert_str_eq(text, texts[_i].shown);
        ck_assert_uint_eq(shown_text_width(text), texts[_i].width);
}
END_TEST

static const struct {
        const char *text;
        size_t width;
        const char *cut;
} cuts[] = {
        {"nginx", 5, "nginx"},   {"nginx", 4, "ngi…"},   {"nginx", 1, "…"},    {"nginx", 0, ""},
        {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"", 3, ""},
};

START_TEST(what_is_cut_ends_in_an_ellipsis)
{
        CLEANUP(cleanup_free) char *cut = shown_text_cut(cuts[_i].text, cuts[_i].width);

        ck_assert_ptr_nonnull(cut);
        ck_assert_str_eq(cut, cuts[_i].cut);
        ck_assert_uint_le(shown_text_width(cut), cuts[_i].width);
}
END_TEST

START_TEST(where_the_locale_has_ascii_alone_so_has_the_text)
{
        char text[] = "größe", *cut;

        shown_text_make_printable(text);
        ck_assert_str_eq(text, "gr????e");
        cut = shown_text_cut("nginx: worker", 8);
        ck_assert_str_eq(cut, "nginx...");
        free(cut);
        cut = shown_text_cut("nginx", 2);
        ck_assert_str_eq(cut, "..");
        free(cut);
}
END_TEST

TEST_SUITE(test_shown_text)
{
        TCase *utf8 = tcase_create("utf-8"), *ascii = tcase_create("ascii");

        tcase_add_checked_fixture(utf8, use_utf8, NULL);
        tcase_add_loop_test(utf8, what_is_no_printable_character_is_shown_as_one_question_mark, 0,
                            sizeof(texts) / sizeof(texts[0]));
        tcase_add_loop_test(utf8, what_is_cut_ends_in_an_ellipsis, 0,
                            sizeof(cuts) / sizeof(cuts[0]));
        suite_add_tcase(suite, utf8);
        tcase_add_checked_fixture(ascii, use_c, NULL);
        tcase_add_test(ascii, where_the_locale_has_ascii_alone_so_has_the_text);
        suite_add_tcase(suite, ascii);
}
