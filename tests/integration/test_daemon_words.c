/*
 * The words kyron-iod is started with: what it makes of mistakes, each with the whole of what it
 * writes.
 */
#include "tests/support/fixture.h"
#include "tests/support/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Program daemon_program;

static const struct {
        const char *words[3];
        const char *sentence;
} mistakes[] = {
        {{"--bogus"}, "unrecognized option '--bogus'\nkyron-iod: see kyron-iod --help"},
        {{"-x"}, "invalid option -- 'x'\nkyron-iod: see kyron-iod --help"},
        {{"--socket"}, "option '--socket' requires an argument\nkyron-iod: see kyron-iod --help"},
        {{"--user=me"},
         "option '--user' doesn't allow an argument\n"
         "kyron-iod: see kyron-iod --help"},
        {{"serve"}, "it takes no argument \"serve\": see kyron-iod --help"},
        {{"--socket", "here"}, "--socket takes an absolute path, not \"here\""},
        {{"--socket", ""}, "--socket takes an absolute path, not \"\""},
        {{"--log-level", "loud"},
         "--log-level is error, warning, notice, info or debug, not \"loud\""},
        {{"--max-sessions", "0"}, "--max-sessions takes a number from 1 to 1000000, not \"0\""},
        {{"--max-sessions", "-1"}, "--max-sessions takes a number from 1 to 1000000, not \"-1\""},
        {{"--max-sessions", " 5"}, "--max-sessions takes a number from 1 to 1000000, not \" 5\""},
        {{"--max-sessions-per-user", "1e3"},
         "--max-sessions-per-user takes a number from 1 to 1000000, not \"1e3\""},
        {{"--max-registrations-per-session", "16777216"},
         "--max-registrations-per-session takes a number from 1 to 16777215, not \"16777216\""},
        {{"--max-registrations-per-user", ""},
         "--max-registrations-per-user takes a number from 1 to 4294967295, not \"\""},
};

START_TEST(a_mistake_is_named_and_the_exit_code_is_2)
{
        char expected[512];

        program_start(&daemon_program, mistakes[_i].words, NULL);
        ck_assert_int_eq(program_wait(&daemon_program), 2);
        snprintf(expected, sizeof(expected), "kyron-iod: %s\n", mistakes[_i].sentence);
        ck_assert_str_eq(daemon_program.err, expected);
        ck_assert_str_eq(daemon_program.out, "");
}
END_TEST

START_TEST(a_path_too_long_is_refused)
{
        char path[110];

        memset(path, 'x', sizeof(path) - 1);
        path[0] = '/';
        path[108] = '\0';
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, NULL, "--socket", path), 2);
        ck_assert_str_eq(daemon_program.err,
                         "kyron-iod: --socket takes a path of at most 107 bytes\n");
}
END_TEST

static void unset_runtime_directory(void)
{
        unsetenv("XDG_RUNTIME_DIR");
}

static void point_nowhere(void)
{
        setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
}

static void point_relatively(void)
{
        setenv("XDG_RUNTIME_DIR", "run", 1);
}

static void point_too_deep(void)
{
        char path[120] = "/";

        memset(path + 1, 'x', sizeof(path) - 2);
        setenv("XDG_RUNTIME_DIR", path, 1);
}

static const struct {
        void (*prepare)(void);
        int exit_code;
        const char *text;
} runtime_directories[] = {
        {unset_runtime_directory, 2,
         "kyron-iod: --user needs XDG_RUNTIME_DIR to be set, or --socket PATH\n"},
        {point_relatively, 2,
         "kyron-iod: XDG_RUNTIME_DIR has to be an absolute path, not \"run\"\n"},
        {point_too_deep, 2,
         "kyron-iod: XDG_RUNTIME_DIR is too long for a socket: use --socket PATH\n"},
        {point_nowhere, 1, "kyron-iod: error: /nonexistent: No such file or directory\n"},
};

START_TEST(a_private_instance_needs_a_runtime_directory)
{
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, runtime_directories[_i].prepare, "--user",
                                     "--foreground"),
                         runtime_directories[_i].exit_code);
        ck_assert_str_eq(daemon_program.err, runtime_directories[_i].text);
}
END_TEST

START_TEST(help_and_version_are_said_on_standard_output)
{
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, NULL, "--help"), 0);
        ck_assert_int_eq(strncmp(daemon_program.out, "Usage: kyron-iod [OPTION]...\n", 29), 0);
        ck_assert_str_eq(daemon_program.err, "");
        ck_assert_int_eq(PROGRAM_RUN(&daemon_program, NULL, "--version"), 0);
        ck_assert_str_eq(daemon_program.out, "kyron-iod " PACKAGE_VERSION "\n");
        ck_assert_str_eq(daemon_program.err, "");
}
END_TEST

static void fill_output(void)
{
        int full = open("/dev/full", O_WRONLY);

        if (full >= 0)
                dup2(full, STDOUT_FILENO);
}

START_TEST(what_cannot_be_written_is_said)
{
        static const char *const words[] = {"--help", "--version"};

        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(PROGRAM_RUN(&daemon_program, fill_output, words[i]), 1);
                ck_assert_str_eq(daemon_program.err,
                                 "kyron-iod: standard output: No space left on device\n");
        }
}
END_TEST

TEST_SUITE(test_daemon_words)
{
        TCase *mistaken = tcase_create("mistaken");
        TCase *asking = tcase_create("asking");

        tcase_add_loop_test(mistaken, a_mistake_is_named_and_the_exit_code_is_2, 0,
                            (int)(sizeof(mistakes) / sizeof(mistakes[0])));
        tcase_add_test(mistaken, a_path_too_long_is_refused);
        tcase_add_loop_test(mistaken, a_private_instance_needs_a_runtime_directory, 0,
                            (int)(sizeof(runtime_directories) / sizeof(runtime_directories[0])));
        tcase_set_timeout(mistaken, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, mistaken);

        tcase_add_test(asking, help_and_version_are_said_on_standard_output);
        tcase_add_test(asking, what_cannot_be_written_is_said);
        tcase_set_timeout(asking, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, asking);
}
