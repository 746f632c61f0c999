/*
 * daemon/options: the command line, its defaults, and for each mistake a sentence and exit code 2.
 */
#include "core/io_id.h"
#include "daemon/config/options.h"
#include "tests/support/capture.h"
#include "tests/support/fixture.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 8 };

static Options options;
static char output[8192];

/* Parses what follows the program's name, up to a NULL, with a stream captured. */
static bool parse(int stream, int *exit_code, const char *const *arguments)
{
        static char copies[ARGUMENTS_MAX][512];
        char *argv[ARGUMENTS_MAX + 2] = {(char *)"kyron-iod"};
        int argc = 1;
        bool go_on;

        for (; arguments[argc - 1]; argc++)
                argv[argc] = strcpy(copies[argc - 1], arguments[argc - 1]);
        optind = 0;
        capture_start(stream);
        go_on = options_parse(&options, argc, argv, exit_code);
        capture_end(output, sizeof(output));
        return go_on;
}

#define ACCEPT(...)                                                                                \
        do {                                                                                       \
                int exit_code_ = -1;                                                               \
                bool go_on_ = parse(2, &exit_code_, (const char *const[]){__VA_ARGS__, NULL});     \
                ck_assert_str_eq(output, "");                                                      \
                ck_assert(go_on_);                                                                 \
        } while (0)

START_TEST(without_options_the_defaults_hold)
{
        ACCEPT("--foreground");
        ck_assert(options.foreground);
        ck_assert(!options.user);
        ck_assert_str_eq(options.socket_path, KYRON_DEFAULT_SOCKET);
        ck_assert_str_eq(options.admin_group, KYRON_ADMIN_GROUP);
        ck_assert_int_eq(options.log_level, LOG_INFO);
        ck_assert_uint_eq(options.sessions_max, 4096);
        ck_assert_uint_eq(options.sessions_per_user_max, 1024);
        ck_assert_uint_eq(options.registrations_per_session_max, 65536);
        ck_assert_uint_eq(options.registrations_per_user_max, 262144);
        ck_assert_uint_eq(options.given, 0);
        ACCEPT((const char *)NULL);
        ck_assert(!options.foreground);
}
END_TEST

START_TEST(every_option_sets_its_own_field)
{
        ACCEPT("--socket=/run/other", "--log-level", "debug", "--admin-group=wheel",
               "--max-sessions=11", "--max-sessions-per-user=12",
               "--max-registrations-per-session=13", "--max-registrations-per-user=14");
        ck_assert_str_eq(options.socket_path, "/run/other");
        ck_assert_int_eq(options.log_level, LOG_DEBUG);
        ck_assert_str_eq(options.admin_group, "wheel");
        ck_assert_uint_eq(options.sessions_max, 11);
        ck_assert_uint_eq(options.sessions_per_user_max, 12);
        ck_assert_uint_eq(options.registrations_per_session_max, 13);
        ck_assert_uint_eq(options.registrations_per_user_max, 14);
        ck_assert(!options.foreground && !options.user && !options.check_config);
        ck_assert_uint_eq(options.given, OPTIONS_GIVEN_LOG_LEVEL | OPTIONS_GIVEN_ADMIN_GROUP |
                                                 OPTIONS_GIVEN_SESSIONS |
                                                 OPTIONS_GIVEN_SESSIONS_PER_USER |
                                                 OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION |
                                                 OPTIONS_GIVEN_REGISTRATIONS_PER_USER);
}
END_TEST

START_TEST(limits_reach_to_what_the_code_can_count)
{
        ACCEPT("--max-sessions=1", "--max-registrations-per-session=16777215",
               "--max-registrations-per-user=4294967295");
        ck_assert_uint_eq(options.sessions_max, 1);
        ck_assert_uint_eq(options.registrations_per_session_max, IO_ID_SLOT_MAX);
        ck_assert_uint_eq(options.registrations_per_user_max, UINT32_MAX);
}
END_TEST

static const struct Given {
        const char *option;
        unsigned given;
} given[] = {
        {"--log-level=info", OPTIONS_GIVEN_LOG_LEVEL},
        {"--admin-group=a", OPTIONS_GIVEN_ADMIN_GROUP},
        {"--max-sessions=1", OPTIONS_GIVEN_SESSIONS},
        {"--max-sessions-per-user=1", OPTIONS_GIVEN_SESSIONS_PER_USER},
        {"--max-registrations-per-session=1", OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION},
        {"--max-registrations-per-user=1", OPTIONS_GIVEN_REGISTRATIONS_PER_USER},
        {"--foreground", 0},
};

START_TEST(what_wins_over_the_configuration_is_remembered)
{
        ACCEPT(given[_i].option);
        ck_assert_uint_eq(options.given, given[_i].given);
}
END_TEST

static const struct Level {
        const char *name;
        int level;
} levels[] = {{"error", LOG_ERR},
              {"warning", LOG_WARNING},
              {"notice", LOG_NOTICE},
              {"info", LOG_INFO},
              {"debug", LOG_DEBUG}};

START_TEST(each_log_level_has_its_name)
{
        ACCEPT("--log-level", levels[_i].name);
        ck_assert_int_eq(options.log_level, levels[_i].level);
}
END_TEST

/* ---- the private instance ---- */

START_TEST(a_private_instance_is_in_the_users_runtime_directory)
{
        setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
        ACCEPT("--user");
        ck_assert(options.user);
        ck_assert_str_eq(options.socket_path, "/run/user/1000/kyron-iod/socket");
        ACCEPT("--socket=/tmp/s", "--user");
        ck_assert_str_eq(options.socket_path, "/tmp/s");
        /* Nobody else's runtime directory matters. */
        ACCEPT("--foreground");
        ck_assert_str_eq(options.socket_path, KYRON_DEFAULT_SOCKET);
}
END_TEST

/* ---- the configuration ---- */

START_TEST(the_configuration_is_the_systems_the_users_or_the_one_that_is_named)
{
        setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
        setenv("XDG_CONFIG_HOME", "/home/a/conf", 1);
        setenv("HOME", "/home/a", 1);
        ACCEPT("--foreground");
        ck_assert_str_eq(options.config_path, KYRON_DEFAULT_CONFIG);
        ck_assert(!options.config_given);
        ACCEPT("--user");
        ck_assert_str_eq(options.config_path, "/home/a/conf/kyron-iod/kyron-iod.conf");
        setenv("XDG_CONFIG_HOME", "relative", 1);
        ACCEPT("--user");
        ck_assert_str_eq(options.config_path, "/home/a/.config/kyron-iod/kyron-iod.conf");
        unsetenv("XDG_CONFIG_HOME");
        ACCEPT("--user");
        ck_assert_str_eq(options.config_path, "/home/a/.config/kyron-iod/kyron-iod.conf");
        unsetenv("HOME");
        ACCEPT("--user");
        ck_assert_str_eq(options.config_path, "");
        ck_assert(!options.config_given);
        ACCEPT("--user", "--config=/a/k.conf");
        ck_assert_str_eq(options.config_path, "/a/k.conf");
        ck_assert(options.config_given);
        ck_assert_int_eq(chdir("/usr"), 0);
        ACCEPT("--config=k.conf");
        ck_assert_str_eq(options.config_path, "/usr/k.conf");
}
END_TEST

START_TEST(checking_a_configuration_needs_no_place_for_a_socket)
{
        unsetenv("XDG_RUNTIME_DIR");
        ACCEPT("--user", "--check-config");
        ck_assert(options.check_config);
}
END_TEST

/* ---- mistakes ---- */

/* The longest path fits a socket's address with its terminating zero; this is one byte more. */
static char long_path[109] = "/";

static const struct Mistake {
        const char *arguments[3];
        const char *sentence; /* what the output has to have */
} mistakes[] = {
        {{"--no-such-option"}, "see kyron-iod --help"},
        {{"--socket"}, "see kyron-iod --help"},
        {{"word"}, "kyron-iod: it takes no argument \"word\": see kyron-iod --help\n"},
        {{"--socket", "relative"},
         "kyron-iod: --socket takes an absolute path, not \"relative\"\n"},
        {{"--socket", ""}, "kyron-iod: --socket takes an absolute path, not \"\"\n"},
        {{"--socket", long_path}, "kyron-iod: --socket takes a path of at most 107 bytes\n"},
        {{"--config", ""}, "kyron-iod: --config takes the path of a file\n"},
        {{"--config"}, "see kyron-iod --help"},
        {{"--check-config=yes"}, "see kyron-iod --help"},
        {{"--log-level", "loud"},
         "kyron-iod: --log-level is error, warning, notice, info or debug, not \"loud\"\n"},
        {{"--max-sessions", "0"},
         "kyron-iod: --max-sessions takes a number from 1 to 1000000, not \"0\"\n"},
        {{"--max-sessions", "1000001"}, "takes a number from 1 to 1000000, not \"1000001\"\n"},
        {{"--max-sessions", "-5"}, "not \"-5\"\n"},
        {{"--max-sessions", " -5"}, "not \" -5\"\n"},
        {{"--max-sessions", " 5"}, "not \" 5\"\n"},
        {{"--max-sessions", "+5"}, "not \"+5\"\n"},
        {{"--max-sessions", ""}, "not \"\"\n"},
        {{"--max-sessions", "5x"}, "not \"5x\"\n"},
        {{"--max-sessions", "many"}, "not \"many\"\n"},
        {{"--max-sessions", "99999999999999999999"}, "not \"99999999999999999999\"\n"},
        {{"--max-sessions-per-user", "0"},
         "kyron-iod: --max-sessions-per-user takes a number from 1 to 1000000, not \"0\"\n"},
        {{"--max-registrations-per-session", "16777216"},
         "--max-registrations-per-session takes a number from 1 to 16777215, not"},
        {{"--max-registrations-per-user", "4294967296"},
         "--max-registrations-per-user takes a number from 1 to 4294967295, not"},
};

START_TEST(a_mistake_is_said_and_exits_with_2)
{
        const struct Mistake *mistake = &mistakes[_i];
        int exit_code = -1;

        memset(long_path + 1, 'x', sizeof(long_path) - 2);
        ck_assert(!parse(2, &exit_code, mistake->arguments));
        ck_assert_int_eq(exit_code, 2);
        ck_assert_msg(strstr(output, mistake->sentence) != NULL, "it said: %s", output);
}
END_TEST

START_TEST(the_longest_path_is_taken)
{
        memset(long_path + 1, 'x', sizeof(long_path) - 2);
        long_path[107] = '\0';
        ACCEPT("--socket", long_path);
        ck_assert_str_eq(options.socket_path, long_path);
}
END_TEST

static const char *const bad_directories[] = {
        NULL,
        "",
        "relative",
        /* As long as a path can be, and more than a socket's may. */
        "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxx",
};

START_TEST(a_private_instance_needs_a_runtime_directory_that_can_be_used)
{
        int exit_code = -1;

        if (bad_directories[_i])
                setenv("XDG_RUNTIME_DIR", bad_directories[_i], 1);
        else
                unsetenv("XDG_RUNTIME_DIR");
        ck_assert(!parse(2, &exit_code, (const char *const[]){"--user", NULL}));
        ck_assert_int_eq(exit_code, 2);
        ck_assert_str_ne(output, "");
}
END_TEST

/* ---- what is asked for ---- */

START_TEST(help_goes_to_standard_output_and_exits_with_0)
{
        int exit_code = -1;

        ck_assert(!parse(1, &exit_code, (const char *const[]){"--help", NULL}));
        ck_assert_int_eq(exit_code, 0);
        ck_assert_int_eq(strncmp(output, "Usage: kyron-iod [OPTION]...\n", 29), 0);
}
END_TEST

START_TEST(help_names_every_option_that_is_taken)
{
        static const char *const all[] = {
                "--socket",
                "--config",
                "--check-config",
                "--user",
                "--foreground",
                "--log-level",
                "--admin-group",
                "--max-sessions",
                "--max-sessions-per-user",
                "--max-registrations-per-session",
                "--max-registrations-per-user",
                "--help",
                "--version",
        };
        int exit_code = -1;

        parse(1, &exit_code, (const char *const[]){"--help", NULL});
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
                ck_assert_msg(strstr(output, all[i]) != NULL, "%s is not in the help", all[i]);
}
END_TEST

START_TEST(the_version_goes_to_standard_output_and_exits_with_0)
{
        int exit_code = -1;

        ck_assert(!parse(1, &exit_code, (const char *const[]){"--version", NULL}));
        ck_assert_int_eq(exit_code, 0);
        ck_assert_str_eq(output, "kyron-iod " PACKAGE_VERSION "\n");
}
END_TEST

TEST_SUITE(test_options)
{
        TCase *taken = tcase_create("taken");
        TCase *refused = tcase_create("refused");

        tcase_add_test(taken, without_options_the_defaults_hold);
        tcase_add_test(taken, every_option_sets_its_own_field);
        tcase_add_test(taken, limits_reach_to_what_the_code_can_count);
        tcase_add_loop_test(taken, each_log_level_has_its_name, 0,
                            (int)(sizeof(levels) / sizeof(levels[0])));
        tcase_add_loop_test(taken, what_wins_over_the_configuration_is_remembered, 0,
                            (int)(sizeof(given) / sizeof(given[0])));
        tcase_add_test(taken, the_configuration_is_the_systems_the_users_or_the_one_that_is_named);
        tcase_add_test(taken, checking_a_configuration_needs_no_place_for_a_socket);
        tcase_add_test(taken, a_private_instance_is_in_the_users_runtime_directory);
        tcase_add_test(taken, the_longest_path_is_taken);
        tcase_add_test(taken, help_goes_to_standard_output_and_exits_with_0);
        tcase_add_test(taken, help_names_every_option_that_is_taken);
        tcase_add_test(taken, the_version_goes_to_standard_output_and_exits_with_0);
        tcase_set_timeout(taken, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, taken);

        tcase_add_loop_test(refused, a_mistake_is_said_and_exits_with_2, 0,
                            (int)(sizeof(mistakes) / sizeof(mistakes[0])));
        tcase_add_loop_test(refused, a_private_instance_needs_a_runtime_directory_that_can_be_used,
                            0, (int)(sizeof(bad_directories) / sizeof(bad_directories[0])));
        tcase_set_timeout(refused, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, refused);
}
