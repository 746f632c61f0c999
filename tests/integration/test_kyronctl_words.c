/*
 * kyronctl in words: the usage text, the man page and the bash completion name the same verbs and
 * options, and the man page explains every column and every member there is.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/integration/raw_session.h"
#include "tests/support/fixture.h"

#include <ctype.h>
#include <string.h>

static char *usage, *man_page, *completion;

static char *read_source(const char *name)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        const char *directory = getenv("KYRON_SOURCE_DIR");
        char path[4096];
        char *text = NULL;
        size_t size = 0;

        snprintf(path, sizeof(path), "%s/%s", directory ? directory : ".", name);
        file = fopen(path, "re");
        ck_assert_msg(file != NULL, "no %s", path);
        ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
        return text;
}

static void read_texts(void)
{
        const KyronctlSetup none = {.socket_path = NULL};
        KyronctlRun run = RUN(&none, "--help");

        kyronctl_run_succeeded(&run);
        usage = STEAL_PTR(run.out);
        kyronctl_run_release(&run);
        man_page = read_source("man/kyronctl.1.scd");
        completion = read_source("completions/kyronctl");
}

static void free_texts(void)
{
        free(usage);
        free(man_page);
        free(completion);
}

static bool is_word_char(char c)
{
        return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Whether a paragraph of the man page explains the verb: "*verb*", or with arguments "*verb* _X_"
 * and "*verb word* _X_". */
static bool explains_verb(const char *verb)
{
        char start[64];

        snprintf(start, sizeof(start), "\n*%s", verb);
        for (const char *at = man_page; (at = strstr(at, start)); at++) {
                const char *behind = at + strlen(start);
                const char *line_end = strchr(behind, '\n');

                if ((*behind == '*' || *behind == ' ') && line_end && line_end[1] == '\t')
                        return true;
        }
        return false;
}

/* Whether the text has the word, by itself. */
static bool has_word(const char *text, const char *word)
{
        for (const char *at = text; (at = strstr(at, word)); at++) {
                if ((at == text || !is_word_char(at[-1])) && !is_word_char(at[strlen(word)]))
                        return true;
        }
        return false;
}

/* Every word of text that begins with "--" is in the other text too. */
static void check_options(const char *text, const char *other, const char *other_name)
{
        for (const char *at = text; (at = strstr(at, "--"));) {
                char option[64] = "";
                size_t length = 2;

                while (is_word_char(at[length]) && length < sizeof(option) - 1)
                        length++;
                if (length > 2) {
                        memcpy(option, at, length);
                        ck_assert_msg(has_word(other, option), "%s is not in %s", option,
                                      other_name);
                }
                at += length;
        }
}

START_TEST(options_are_the_same_everywhere)
{
        check_options(usage, man_page, "the man page");
        check_options(usage, completion, "the completion");
        check_options(man_page, usage, "the usage");
        check_options(strstr(completion, "local options="), usage, "the usage");
}
END_TEST

START_TEST(verbs_are_the_same_everywhere)
{
        const char *of_completion = strstr(completion, "local verbs='");
        size_t verbs = 0, spaces = 0;

        ck_assert_ptr_nonnull(of_completion);
        of_completion += strlen("local verbs='");
        for (const char *at = of_completion; *at != '\''; at++)
                spaces += *at == ' ';
        /* In the usage a verb begins a line, behind two blanks. */
        for (const char *line = usage; (line = strstr(line, "\n  ")); line += 3) {
                char verb[32] = "";

                if (sscanf(line + 3, "%31[a-z]", verb) != 1)
                        continue;
                verbs++;
                ck_assert_msg(explains_verb(verb), "%s", verb);
                ck_assert_msg(has_word(of_completion, verb), "%s", verb);
        }
        ck_assert_uint_eq(verbs, 22);
        ck_assert_uint_eq(spaces + 1, verbs);
}
END_TEST

/* Every heading of a table is a "*HEADING*" of the man page. */
static void check_headings(const KyronctlRun *run)
{
        char *end = strchr(run->out, '\n'), *rest = NULL;
        char marked[64];

        kyronctl_run_succeeded(run);
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        for (char *word = strtok_r(run->out, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
                snprintf(marked, sizeof(marked), "*%s*", word);
                ck_assert_msg(strstr(man_page, marked) != NULL, "%s", word);
        }
}

/* Every member of an object, or of the objects in an array, is in the man page's section JSON. */
static void check_members(const KyronctlRun *run)
{
        CLEANUP(cleanup_json) json_t *value = kyronctl_run_json(run);
        const char *section = strstr(man_page, "\n## JSON");
        const char *key;
        json_t *object = json_is_array(value) ? json_array_get(value, 0) : value;
        json_t *unused;

        kyronctl_run_succeeded(run);
        ck_assert_ptr_nonnull(section);
        ck_assert_uint_gt(json_object_size(object), 0);
        json_object_foreach(object, key, unused)
        {
                ck_assert_msg(has_word(section, key), "%s", key);
        }
}

START_TEST(what_is_shown_is_explained)
{
        static const char *const verbs[] = {"sessions", "registrations", "status", "version"};
        TestDaemon daemon;
        KyronctlSetup setup;
        DaemonConnection connection;
        int fds[2];

        test_daemon_start(&daemon, NULL);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        connection = raw_session_open(&daemon, "explained");
        pipe_pair(fds);
        raw_session_add_source(&connection, 0, fds[0], READINESS_READABLE);
        raw_session_settle(&connection);
        for (size_t i = 0; i < 4; i++) {
                CLEANUP(kyronctl_run_release) KyronctlRun json = RUN(&setup, verbs[i], "--json");

                check_members(&json);
                if (i < 2) {
                        CLEANUP(kyronctl_run_release) KyronctlRun table = RUN(&setup, verbs[i]);

                        check_headings(&table);
                }
        }
        close(fds[0]);
        close(fds[1]);
        close(connection.fd);
        test_daemon_stop(&daemon);
}
END_TEST

/* One entry of the list that was asked for, or the answer to an order. */
static bool answer_with_one(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners listeners = IOD__LISTENERS__INIT;
        Iod__ListenerEntry listener = IOD__LISTENER_ENTRY__INIT;
        Iod__Groups groups = IOD__GROUPS__INIT;
        Iod__GroupEntry group = IOD__GROUP_ENTRY__INIT;
        Iod__Holds holds = IOD__HOLDS__INIT;
        Iod__HoldEntry hold = IOD__HOLD_ENTRY__INIT;
        Iod__PolicyTested tested = IOD__POLICY_TESTED__INIT;
        Iod__Reloaded reloaded = IOD__RELOADED__INIT;

        listener.listener = group.listener = group.session = hold.hold = 1;
        listeners.entry = (Iod__ListenerEntry *[]){&listener};
        groups.entry = (Iod__GroupEntry *[]){&group};
        holds.entry = (Iod__HoldEntry *[]){&hold};
        listeners.n_entry = groups.n_entry = holds.n_entry = 1;
        tested.allowed = true;
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                frame.body_case = IOD__FRAME__BODY_LISTENERS;
                frame.listeners = &listeners;
                break;
        case IOD__FRAME__BODY_LIST_GROUPS:
                frame.body_case = IOD__FRAME__BODY_GROUPS;
                frame.groups = &groups;
                break;
        case IOD__FRAME__BODY_LIST_HOLDS:
                frame.body_case = IOD__FRAME__BODY_HOLDS;
                frame.holds = &holds;
                break;
        case IOD__FRAME__BODY_TEST_POLICY:
                frame.body_case = IOD__FRAME__BODY_POLICY_TESTED;
                frame.policy_tested = &tested;
                break;
        case IOD__FRAME__BODY_RELOAD:
                frame.body_case = IOD__FRAME__BODY_RELOADED;
                frame.reloaded = &reloaded;
                break;
        default:
                return lying_daemon_done(fd, request);
        }
        return lying_daemon_answer(fd, request, &frame);
}

static KyronctlRun run_answered(const char *const *words)
{
        const Lie lie = {.reply = answer_with_one};
        LyingDaemon daemon;
        KyronctlSetup setup;
        KyronctlRun run;

        lying_daemon_start(&daemon, &lie);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        run = kyronctl_run(&setup, words);
        lying_daemon_stop(&daemon);
        return run;
}

START_TEST(what_is_shown_of_ready_descriptors_is_explained)
{
        static const char *const verbs[][6] = {
                {"listeners", "--json"},    {"groups", "--json"},
                {"holds", "--json"},        {"policy", "--json", "test", "root", "web", "hold"},
                {"pause", "--json", "web"}, {"drain", "--json", "1"},
                {"reload", "--json"},
        };

        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                const char *words[7] = {NULL};
                CLEANUP(kyronctl_run_release) KyronctlRun json = {.exit_status = -1};

                memcpy(words, verbs[i], sizeof(verbs[i]));
                json = run_answered(words);
                check_members(&json);
                if (i < 3) {
                        CLEANUP(kyronctl_run_release)
                        KyronctlRun table = run_answered((const char *const[]){verbs[i][0], NULL});

                        check_headings(&table);
                }
        }
}
END_TEST

TEST_SUITE(test_kyronctl_words)
{
        TCase *words = tcase_create("words");

        tcase_set_timeout(words, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(words, read_texts, free_texts);
        tcase_add_test(words, options_are_the_same_everywhere);
        tcase_add_test(words, verbs_are_the_same_everywhere);
        tcase_add_test(words, what_is_shown_is_explained);
        tcase_add_test(words, what_is_shown_of_ready_descriptors_is_explained);
        suite_add_tcase(suite, words);
}
