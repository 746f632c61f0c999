/*
 * daemon/config_text: comments become blanks and lines stay where they are; what has a beginning
 * has its end; who may write a file that root believes.
 */
#include "core/error.h"
#include "daemon/config/config_text.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *directory, *text;
static char path[512];

static void set_up(void)
{
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/f.conf", directory);
}

static void tear_down(void)
{
        free(text);
        text = NULL;
        remove_temp_dir(directory);
}

static void put(const char *bytes, size_t length)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
        close(fd);
}

static const struct Good {
        const char *before, *after;
} good[] = {
        {"", ""},
        {"# c\na = 1", "   \na = 1"},
        {"a = 1 # c", "a = 1    "},
        {"a = 1 // c\nb", "a = 1     \nb"},
        {"a /* c\n\n}\"*/b", "a     \n\n    b"},
        {"\"# no\" '// no' # yes", "\"# no\" '// no'      "},
        {"\"a\\\"# no\" # yes", "\"a\\\"# no\"      "},
        {"{# c }\n}", "{     \n}"},
        {"unix:/run/a//b a#b", "unix:/run/a//b a#b"},
        {"{{}{}}{}", "{{}{}}{}"},
        {"\xef\xbb\xbf"
         "a = 1",
         "   a = 1"},
        {"\xef\xbb\xbf# c", "      "},
        {"a\xef\xbb\xbf", "a\xef\xbb\xbf"},
        {"# c\r\na = 1\r\n", "    \na = 1 \n"},
        {"a {\r\n} // c\r\n", "a { \n}      \n"},
        {"# c\ra = 1\r", "   \na = 1\n"},
        {"a = \"b\"\r", "a = \"b\"\n"},
        {"a /**/ b /* * / */", "a      b          "},
};

START_TEST(comments_become_blanks_and_nothing_else_does)
{
        put(good[_i].before, strlen(good[_i].before));
        ck_assert_msg(config_text_read(path, &text) == 0, "%s", error_text());
        ck_assert_str_eq(text, good[_i].after);
}
END_TEST

static const struct Bad {
        const char *text, *sentence;
} bad[] = {
        {"\n\n{\n{\n}\n", "3: the { that begins here has no closing }"},
        {"{\n{\n", "2: the { that begins here has no closing }"},
        {"{\n}\n}\n", "3: this } closes nothing"},
        {"\n/* a\n\n", "2: the comment that begins here has no */"},
        {"\n\"a\n\"", "2: the string that begins here has no end on its line"},
        {"\n'a", "2: the string that begins here has no end on its line"},
        {"\"a\\", "1: the string that begins here has no end on its line"},
        {"\"a\\\"", "1: the string that begins here has no end on its line"},
        {"\"*\"\na = tcp:*:80", "2: a value with * in it needs quotes"},
        {"a/*b", "1: a value with * in it needs quotes"},
        {"{{{{{{{{\n{", "2: there are too many braces in braces"},
        {"/*\n*/ /* /*/ }", "2: this } closes nothing"},
};

START_TEST(what_has_no_end_is_told_by_the_line_of_its_beginning)
{
        char expected[1024];

        put(bad[_i].text, strlen(bad[_i].text));
        ck_assert_int_eq(config_text_read(path, &text), -EINVAL);
        snprintf(expected, sizeof(expected), "%s:%s", path, bad[_i].sentence);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(a_zero_byte_is_refused)
{
        char expected[1024];

        put("a\nb\0c", 5);
        ck_assert_int_eq(config_text_read(path, &text), -EINVAL);
        snprintf(expected, sizeof(expected), "%s:2: there is a zero byte in it", path);
        ck_assert_str_eq(error_text(), expected);
}
END_TEST

START_TEST(the_largest_file_is_read_and_one_byte_more_is_refused)
{
        char *large = malloc(CONFIG_TEXT_MAX + 1);

        ck_assert_ptr_nonnull(large);
        memset(large, '\n', CONFIG_TEXT_MAX + 1);
        put(large, CONFIG_TEXT_MAX);
        ck_assert_int_eq(config_text_read(path, &text), 0);
        put(large, CONFIG_TEXT_MAX + 1);
        free(large);
        free(text);
        ck_assert_int_eq(config_text_read(path, &text), -EINVAL);
        text = NULL;
        ck_assert_ptr_nonnull(strstr(error_text(), "it has more than 1048576 bytes"));
}
END_TEST

START_TEST(what_is_no_file_is_refused_without_waiting_for_it)
{
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        ck_assert_int_eq(config_text_read(path, &text), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), ": it is not a file"));
        ck_assert_int_eq(config_text_read(directory, &text), -EINVAL);
        ck_assert_int_eq(config_text_read("/no/such/file", &text), -ENOENT);
        ck_assert_str_eq(error_text(), "/no/such/file: No such file or directory");
}
END_TEST

START_TEST(root_believes_no_file_that_others_may_write)
{
        static const struct {
                mode_t mode;
                uid_t uid;
                gid_t gid;
                int result;
        } files[] = {
                {0644, 0, 0, 0},      {0664, 0, 0, 0}, {0666, 0, 0, -EPERM}, {0646, 0, 0, -EPERM},
                {0664, 0, 1, -EPERM}, {0644, 0, 1, 0}, {0600, 1, 0, -EPERM},
        };

        if (geteuid() != 0)
                SKIP_TEST("only root's daemon looks at who may write");
        put("a", 1);
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
                ck_assert_int_eq(chown(path, files[i].uid, files[i].gid), 0);
                ck_assert_int_eq(chmod(path, files[i].mode), 0);
                free(text);
                text = NULL;
                ck_assert_int_eq(config_text_read(path, &text), files[i].result);
        }
}
END_TEST

START_TEST(a_block_is_found_where_it_begins)
{
        static const char blocks[] = "web\nlistener \"api\" {\n}\nlistener \"web2\" { }\n"
                                     "mylistener \"web\" listener web {\n"
                                     "policy\n\"user:www\" {}\n";

        ck_assert_int_eq(config_text_find_block(blocks, "listener", "web"), 5);
        ck_assert_int_eq(config_text_find_block(blocks, "listener", "web2"), 4);
        ck_assert_int_eq(config_text_find_block(blocks, "listener", "api"), 2);
        ck_assert_int_eq(config_text_find_block(blocks, "policy", "user:www"), 0);
        ck_assert_int_eq(config_text_find_block("", "policy", "user:www"), 0);
}
END_TEST

TEST_SUITE(test_config_text)
{
        TCase *files = tcase_create("files");

        tcase_add_checked_fixture(files, set_up, tear_down);
        tcase_add_loop_test(files, comments_become_blanks_and_nothing_else_does, 0,
                            (int)(sizeof(good) / sizeof(good[0])));
        tcase_add_loop_test(files, what_has_no_end_is_told_by_the_line_of_its_beginning, 0,
                            (int)(sizeof(bad) / sizeof(bad[0])));
        tcase_add_test(files, a_zero_byte_is_refused);
        tcase_add_test(files, the_largest_file_is_read_and_one_byte_more_is_refused);
        tcase_add_test(files, what_is_no_file_is_refused_without_waiting_for_it);
        tcase_add_test(files, root_believes_no_file_that_others_may_write);
        tcase_add_test(files, a_block_is_found_where_it_begins);
        suite_add_tcase(suite, files);
}
