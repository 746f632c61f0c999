/*
 * kyronctl's verbs that ask for something to be decided or done (policy test, pause, resume, drain,
 * reload), against a process in the daemon's place that checks what it is asked.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define NO_LISTENER "there is no listener \"web\": kyronctl listeners shows those there are\n"
#define NO_WORKER   "there is no session 12: kyronctl groups shows the workers\n"

/* Runs kyronctl once, against a process that answers so. */
static KyronctlRun run_once(bool (*reply)(int fd, const Iod__Frame *request),
                            const char *const *words)
{
        const Lie lie = {.reply = reply};
        LyingDaemon daemon;
        KyronctlSetup setup;
        KyronctlRun run;

        lying_daemon_start(&daemon, &lie);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        run = kyronctl_run(&setup, words);
        lying_daemon_stop(&daemon);
        return run;
}

#define RUN_ONCE(reply, ...) run_once((reply), (const char *const[]){__VA_ARGS__, NULL})

/* ---- Replies that every verb can meet -------------------------------------------------------- */

static bool refuse_as_missing(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, ENOENT, "it is not there");
}

static bool refuse_as_forbidden(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, EACCES, "root and the admin group may");
}

static bool refuse_as_wrong(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, EINVAL, "kyron-iod.conf:7: \"lisen\"");
}

static bool answer_something_else(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;

        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &sessions;
        return lying_daemon_answer(fd, request, &frame);
}

static bool close_connection(int fd, const Iod__Frame *request)
{
        (void)fd;
        (void)request;
        return false;
}

static const struct {
        const char *words[5];
        const char *request;
        const char *missing; /* what ENOENT becomes, and its exit status */
        int missing_status;
} orders[] = {
        {{"policy", "test", "0", "unix:@x"}, "test_policy", "it is not there\n", 5},
        {{"pause", "web"}, "set_listener", NO_LISTENER, 5},
        {{"resume", "web"}, "set_listener", NO_LISTENER, 5},
        {{"drain", "12"}, "drain", NO_WORKER, 5},
        {{"drain", "12", "--undo"}, "drain", NO_WORKER, 5},
        {{"reload"}, "reload", "it is not there\n", 1},
};

START_TEST(what_goes_wrong_has_its_exit_status_and_a_sentence)
{
        const char *const *words = orders[_i].words;
        CLEANUP(kyronctl_run_release) KyronctlRun missing = run_once(refuse_as_missing, words);
        CLEANUP(kyronctl_run_release) KyronctlRun forbidden = run_once(refuse_as_forbidden, words);
        CLEANUP(kyronctl_run_release) KyronctlRun wrong = run_once(refuse_as_wrong, words);
        CLEANUP(kyronctl_run_release) KyronctlRun other = run_once(answer_something_else, words);
        CLEANUP(kyronctl_run_release) KyronctlRun closed = run_once(close_connection, words);
        char sentence[128];

        kyronctl_run_failed(&missing, orders[_i].missing_status, orders[_i].missing);
        kyronctl_run_failed(&forbidden, 4, "kyronctl: root and the admin group may\n");
        kyronctl_run_failed(&wrong, 1, "kyronctl: kyron-iod.conf:7: \"lisen\"\n");
        snprintf(sentence, sizeof(sentence), "the daemon answered %s with sessions\n",
                 orders[_i].request);
        kyronctl_run_failed(&other, 1, sentence);
        kyronctl_run_failed(&closed, 3, "the daemon closed the connection");
}
END_TEST

/* ---- policy test ----------------------------------------------------------------------------- */

#define RULE    "policy \"user:root\", connect \"tcp:*.example.org:443\""
#define NO_RULE "user root may not listen on tcp:www.example.org:443: no rule of theirs allows it"

static bool decide(int fd, const Iod__Frame *request)
{
        const Iod__TestPolicy *asked = request->test_policy;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__PolicyTested tested = IOD__POLICY_TESTED__INIT;

        if (request->body_case != IOD__FRAME__BODY_TEST_POLICY || asked->uid != 0 ||
            strcmp(asked->object, "tcp:www.example.org:443") != 0)
                return false;
        tested.allowed = strcmp(asked->action, "connect") == 0;
        tested.rule = (char *)(tested.allowed ? RULE : NO_RULE);
        frame.body_case = IOD__FRAME__BODY_POLICY_TESTED;
        frame.policy_tested = &tested;
        return lying_daemon_answer(fd, request, &frame);
}

START_TEST(policy_test_prints_the_rule_and_exits_with_the_answer)
{
        static const char object[] = "tcp:www.example.org:443";
        CLEANUP(kyronctl_run_release)
        KyronctlRun both = RUN_ONCE(decide, "policy", "test", "root", object);
        CLEANUP(kyronctl_run_release)
        KyronctlRun allowed = RUN_ONCE(decide, "policy", "test", "0", object, "connect");
        CLEANUP(kyronctl_run_release)
        KyronctlRun denied = RUN_ONCE(decide, "policy", "test", "root", object, "listen");

        ck_assert_int_eq(both.exit_status, 4);
        ck_assert_str_eq(both.out, "listen: denied\n  " NO_RULE "\nconnect: allowed\n  " RULE "\n");
        ck_assert_str_eq(both.err, "");
        kyronctl_run_succeeded(&allowed);
        ck_assert_str_eq(allowed.out, "connect: allowed\n  " RULE "\n");
        ck_assert_int_eq(denied.exit_status, 4);
        ck_assert_str_eq(denied.out, "listen: denied\n  " NO_RULE "\n");
        ck_assert_str_eq(denied.err, "");
}
END_TEST

START_TEST(policy_test_is_there_in_json)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release)
        KyronctlRun run =
                RUN_ONCE(decide, "policy", "test", "root", "tcp:www.example.org:443", "--json");

        ck_assert_int_eq(run.exit_status, 4);
        array = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(array), 2);
        kyronctl_json_check_text(json_array_get(array, 0), "action", "listen");
        kyronctl_json_check_text(json_array_get(array, 0), "rule", NO_RULE);
        ck_assert(json_is_false(json_object_get(json_array_get(array, 0), "allowed")));
        kyronctl_json_check_text(json_array_get(array, 1), "action", "connect");
        kyronctl_json_check_text(json_array_get(array, 1), "object", "tcp:www.example.org:443");
        kyronctl_json_check_text(json_array_get(array, 1), "user", "root");
        kyronctl_json_check_number(json_array_get(array, 1), "uid", 0);
        ck_assert(json_is_true(json_object_get(json_array_get(array, 1), "allowed")));
}
END_TEST

/* Allows everything, and calls the rule what was asked. */
static bool repeat_question(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__PolicyTested tested = IOD__POLICY_TESTED__INIT;
        char rule[96];

        snprintf(rule, sizeof(rule), "%" PRIu32 " %s %s", request->test_policy->uid,
                 request->test_policy->action, request->test_policy->object);
        tested.allowed = true;
        tested.rule = rule;
        frame.body_case = IOD__FRAME__BODY_POLICY_TESTED;
        frame.policy_tested = &tested;
        return lying_daemon_answer(fd, request, &frame);
}

static const struct {
        const char *object, *action, *output;
} questions[] = {
        {"tcp:*:80", NULL,
         "listen: allowed\n  4711 listen tcp:*:80\nconnect: allowed\n  4711 connect tcp:*:80\n"},
        {"udp:*:53", NULL, "bind: allowed\n  4711 bind udp:*:53\n"},
        {"unix:@a", NULL, "listen: allowed\n  4711 listen unix:@a\n"},
        {"unix:@a", "connect", "connect: allowed\n  4711 connect unix:@a\n"},
        {"web", NULL, "serve: allowed\n  4711 serve web\nhold: allowed\n  4711 hold web\n"},
        {"web", "hold", "hold: allowed\n  4711 hold web\n"},
        {"direct", "delivery", "delivery: allowed\n  4711 delivery direct\n"},
};

START_TEST(policy_test_asks_what_the_address_is_for)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN_ONCE(repeat_question, "policy", "test", "4711", questions[_i].object,
                                   questions[_i].action);

        kyronctl_run_succeeded(&run);
        ck_assert_str_eq(run.out, questions[_i].output);
}
END_TEST

START_TEST(policy_test_needs_a_user_that_there_is)
{
        const KyronctlSetup none = {.socket_path = "/nonexistent"};
        CLEANUP(kyronctl_run_release)
        KyronctlRun name = RUN(&none, "policy", "test", "no such user", "web");
        CLEANUP(kyronctl_run_release)
        KyronctlRun number = RUN(&none, "policy", "test", "4294967295", "web");
        CLEANUP(kyronctl_run_release)
        KyronctlRun negative = RUN(&none, "policy", "test", " 7", "web");

        kyronctl_run_failed(&name, 5, "there is no user \"no such user\"");
        kyronctl_run_failed(&number, 5, "there is no user \"4294967295\"");
        kyronctl_run_failed(&negative, 5, "there is no user \" 7\"");
}
END_TEST

/* ---- pause, resume --------------------------------------------------------------------------- */

static bool expect_pause(int fd, const Iod__Frame *request)
{
        return request->body_case == IOD__FRAME__BODY_SET_LISTENER &&
               strcmp(request->set_listener->name, "web") == 0 && request->set_listener->paused &&
               lying_daemon_done(fd, request);
}

static bool expect_resume(int fd, const Iod__Frame *request)
{
        return request->body_case == IOD__FRAME__BODY_SET_LISTENER &&
               strcmp(request->set_listener->name, "web") == 0 && !request->set_listener->paused &&
               lying_daemon_done(fd, request);
}

/* Three of that name: one of the configuration, and two of users. */
static bool expect_pause_of_user(int fd, const Iod__Frame *request)
{
        Iod__ListenerEntry entries[3], *pointers[3];
        Iod__Listeners page = IOD__LISTENERS__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        if (request->body_case == IOD__FRAME__BODY_SET_LISTENER)
                return request->set_listener->listener == 7 && request->set_listener->paused &&
                       lying_daemon_done(fd, request);
        if (request->body_case != IOD__FRAME__BODY_LIST_LISTENERS)
                return false;
        for (int i = 0; i < 3; i++) {
                entries[i] = (Iod__ListenerEntry)IOD__LISTENER_ENTRY__INIT;
                entries[i].listener = 5 + (uint64_t)i;
                entries[i].name = (char *)"web";
                entries[i].configured = i == 0;
                entries[i].uid = i == 1 ? 61233 : 61234;
                pointers[i] = &entries[i];
        }
        page.n_entry = 3;
        page.entry = pointers;
        frame.body_case = IOD__FRAME__BODY_LISTENERS;
        frame.listeners = &page;
        return lying_daemon_answer(fd, request, &frame);
}

START_TEST(pause_finds_the_listener_of_the_user_that_is_named)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun paused = RUN_ONCE(expect_pause_of_user, "pause", "web", "--of", "61234");
        CLEANUP(kyronctl_run_release)
        KyronctlRun missing = RUN_ONCE(expect_pause_of_user, "pause", "web", "--of", "61235");

        kyronctl_run_succeeded(&paused);
        ck_assert_str_eq(paused.out, "");
        kyronctl_run_failed(&missing, 5, "user 61235 has no listener \"web\"");
}
END_TEST

START_TEST(pause_and_resume_are_silent_when_done)
{
        CLEANUP(cleanup_json) json_t *object = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun paused = RUN_ONCE(expect_pause, "pause", "web");
        CLEANUP(kyronctl_run_release)
        KyronctlRun resumed = RUN_ONCE(expect_resume, "resume", "web");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(expect_pause, "pause", "web", "--json");

        kyronctl_run_succeeded(&paused);
        ck_assert_str_eq(paused.out, "");
        kyronctl_run_succeeded(&resumed);
        ck_assert_str_eq(resumed.out, "");
        kyronctl_run_succeeded(&json);
        object = kyronctl_run_json(&json);
        kyronctl_json_check_text(object, "name", "web");
        ck_assert(json_is_true(json_object_get(object, "paused")));
}
END_TEST

/* ---- drain ----------------------------------------------------------------------------------- */

static pid_t peer_of(int fd)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : -1;
}

/* A line of /proc/PID/status: what follows its name. */
static bool read_status(pid_t pid, const char *name, char value[static 64])
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64], line[256];

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                if (strncmp(line, name, strlen(name)) == 0)
                        return sscanf(line + strlen(name), "%63s", value) == 1;
        }
        return false;
}

/* Until kyronctl waits for its answer: it has asked, and sleeps. */
static bool await_sleep(int fd)
{
        char state[64];

        return WAIT_UNTIL(read_status(peer_of(fd), "State:", state) && *state == 'S', DEADLINE_MS);
}

static bool is_drain(const Iod__Frame *request, bool undo)
{
        return request->body_case == IOD__FRAME__BODY_DRAIN && request->drain->session == 12 &&
               request->drain->undo == undo && request->sequence != 0;
}

static bool expect_drain(int fd, const Iod__Frame *request)
{
        return is_drain(request, false) && await_sleep(fd) && lying_daemon_done(fd, request);
}

static bool expect_undo(int fd, const Iod__Frame *request)
{
        return is_drain(request, true) && lying_daemon_done(fd, request);
}

START_TEST(drain_returns_when_none_are_left)
{
        CLEANUP(cleanup_json) json_t *object = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun drained = RUN_ONCE(expect_drain, "drain", "12");
        CLEANUP(kyronctl_run_release)
        KyronctlRun undone = RUN_ONCE(expect_undo, "drain", "12", "--undo");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(expect_drain, "drain", "--timeout", "31536000", "12", "--json");

        kyronctl_run_succeeded(&drained);
        ck_assert_str_eq(drained.out, "");
        kyronctl_run_succeeded(&undone);
        ck_assert_str_eq(undone.out, "");
        kyronctl_run_succeeded(&json);
        object = kyronctl_run_json(&json);
        kyronctl_json_check_number(object, "session", 12);
        ck_assert(json_is_true(json_object_get(object, "drained")));
}
END_TEST

static bool go_away_while_it_waits(int fd, const Iod__Frame *request)
{
        await_sleep(fd);
        return request->body_case != IOD__FRAME__BODY_DRAIN;
}

START_TEST(a_daemon_that_goes_away_while_drain_waits_is_exit_status_3)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN_ONCE(go_away_while_it_waits, "drain", "12");

        kyronctl_run_failed(&run, 3, "the daemon closed the connection");
}
END_TEST

/* The drain's answer, when a Cancel for it has come. */
static bool answer_cancelled(int fd, const Iod__Frame *request, bool was_done)
{
        static uint32_t drain_sequence;
        Iod__Frame drain = *request;

        if (request->body_case == IOD__FRAME__BODY_DRAIN) {
                drain_sequence = request->sequence;
                return is_drain(request, false);
        }
        if (request->body_case != IOD__FRAME__BODY_CANCEL ||
            request->cancel->request != drain_sequence)
                return false;
        drain.sequence = drain_sequence;
        return was_done ? lying_daemon_done(fd, &drain)
                        : lying_daemon_refuse(fd, &drain, ECANCELED, "the drain was cancelled");
}

static bool keep_waiting(int fd, const Iod__Frame *request)
{
        return answer_cancelled(fd, request, false);
}

static bool finish_at_the_last_moment(int fd, const Iod__Frame *request)
{
        return answer_cancelled(fd, request, true);
}

static bool refuse_at_the_last_moment(int fd, const Iod__Frame *request)
{
        Iod__Frame drain = *request;

        if (request->body_case == IOD__FRAME__BODY_DRAIN)
                return true;
        drain.sequence = request->cancel->request;
        return lying_daemon_refuse(fd, &drain, ENOMEM, "no memory to wait for a drain");
}

START_TEST(drain_gives_up_at_its_time_limit)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun refused = RUN_ONCE(refuse_at_the_last_moment, "drain", "12", "--timeout", "1");
        CLEANUP(kyronctl_run_release)
        KyronctlRun late = RUN_ONCE(keep_waiting, "drain", "12", "--timeout", "1");
        CLEANUP(kyronctl_run_release)
        KyronctlRun done = RUN_ONCE(finish_at_the_last_moment, "drain", "12", "--timeout", "1");

        kyronctl_run_failed(&late, 1,
                            "session 12 still has connections after 1 s; it gets no more: --undo "
                            "takes that back\n");
        kyronctl_run_succeeded(&done);
        kyronctl_run_failed(&refused, 1, "no memory to wait for a drain\n");
}
END_TEST

/* Ctrl-C, when it waits. */
static bool interrupt(int fd, const Iod__Frame *request)
{
        if (request->body_case == IOD__FRAME__BODY_DRAIN && await_sleep(fd))
                kill(peer_of(fd), SIGINT);
        return answer_cancelled(fd, request, false);
}

static bool interrupt_at_the_last_moment(int fd, const Iod__Frame *request)
{
        if (request->body_case == IOD__FRAME__BODY_DRAIN && await_sleep(fd))
                kill(peer_of(fd), SIGINT);
        return answer_cancelled(fd, request, true);
}

START_TEST(drain_is_cancelled_by_an_interrupt_and_ends_by_it)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN_ONCE(interrupt, "drain", "12");
        CLEANUP(kyronctl_run_release)
        KyronctlRun done = RUN_ONCE(interrupt_at_the_last_moment, "drain", "12");

        kyronctl_run_failed(&run, -SIGINT,
                            "session 12 still has connections; it gets no more: --undo takes that "
                            "back\n");
        kyronctl_run_succeeded(&done);
}
END_TEST

static bool expect_interrupts_let_through(int fd, const Iod__Frame *request)
{
        char blocked[64];

        return is_drain(request, false) && await_sleep(fd) &&
               read_status(peer_of(fd), "SigBlk:", blocked) &&
               !(strtoull(blocked, NULL, 16) & 1u << (SIGINT - 1)) &&
               kill(peer_of(fd), SIGINT) == 0 && lying_daemon_done(fd, request);
}

START_TEST(an_interrupt_that_is_ignored_stays_ignored)
{
        const Lie lie = {.reply = expect_interrupts_let_through};
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        LyingDaemon daemon;
        KyronctlSetup setup;

        lying_daemon_start(&daemon, &lie);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path, .ignores_interrupts = true};
        run = RUN(&setup, "drain", "12");
        lying_daemon_stop(&daemon);
        kyronctl_run_succeeded(&run);
}
END_TEST

/* ---- reload ---------------------------------------------------------------------------------- */

static bool answer_reloaded(int fd, const Iod__Frame *request, size_t n, uint32_t more)
{
        char *changes[] = {(char *)"listener web: backlog 128, was 64",
                           (char *)"policy \"user:\033www\": new"};
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Reloaded reloaded = IOD__RELOADED__INIT;

        reloaded.change = changes;
        reloaded.n_change = n;
        reloaded.more = more;
        frame.body_case = IOD__FRAME__BODY_RELOADED;
        frame.reloaded = &reloaded;
        return request->body_case == IOD__FRAME__BODY_RELOAD &&
               lying_daemon_answer(fd, request, &frame);
}

static bool reload_with_changes(int fd, const Iod__Frame *request)
{
        return answer_reloaded(fd, request, 2, 0);
}

static bool reload_with_many_changes(int fd, const Iod__Frame *request)
{
        return answer_reloaded(fd, request, 2, 40);
}

static bool reload_without_changes(int fd, const Iod__Frame *request)
{
        return answer_reloaded(fd, request, 0, 0);
}

START_TEST(reload_prints_what_changed)
{
#define CHANGES "listener web: backlog 128, was 64\npolicy \"user:?www\": new\n"
        CLEANUP(cleanup_json) json_t *object = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun two = RUN_ONCE(reload_with_changes, "reload");
        CLEANUP(kyronctl_run_release)
        KyronctlRun many = RUN_ONCE(reload_with_many_changes, "reload");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reload_with_many_changes, "reload", "--json");

        kyronctl_run_succeeded(&two);
        ck_assert_str_eq(two.out, CHANGES);
        kyronctl_run_succeeded(&many);
        ck_assert_str_eq(many.out, CHANGES "and 40 more\n");
        kyronctl_run_succeeded(&json);
        object = kyronctl_run_json(&json);
        ck_assert_uint_eq(json_array_size(json_object_get(object, "changes")), 2);
        kyronctl_json_check_number(object, "more", 40);
}
END_TEST

START_TEST(a_reload_that_changes_nothing_says_so_beside_the_output)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN_ONCE(reload_without_changes, "reload");
        CLEANUP(kyronctl_run_release)
        KyronctlRun quiet = RUN_ONCE(reload_without_changes, "reload", "--no-legend");

        ck_assert_int_eq(run.exit_status, 0);
        ck_assert_str_eq(run.out, "");
        ck_assert_str_eq(run.err, "no changes\n");
        kyronctl_run_succeeded(&quiet);
}
END_TEST

TEST_SUITE(test_kyronctl_orders)
{
        TCase *each = tcase_create("orders");

        tcase_set_timeout(each, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(each, what_goes_wrong_has_its_exit_status_and_a_sentence, 0,
                            sizeof(orders) / sizeof(orders[0]));
        tcase_add_test(each, policy_test_prints_the_rule_and_exits_with_the_answer);
        tcase_add_test(each, policy_test_is_there_in_json);
        tcase_add_loop_test(each, policy_test_asks_what_the_address_is_for, 0,
                            sizeof(questions) / sizeof(questions[0]));
        tcase_add_test(each, policy_test_needs_a_user_that_there_is);
        tcase_add_test(each, pause_and_resume_are_silent_when_done);
        tcase_add_test(each, pause_finds_the_listener_of_the_user_that_is_named);
        tcase_add_test(each, drain_returns_when_none_are_left);
        tcase_add_test(each, a_daemon_that_goes_away_while_drain_waits_is_exit_status_3);
        tcase_add_test(each, drain_gives_up_at_its_time_limit);
        tcase_add_test(each, drain_is_cancelled_by_an_interrupt_and_ends_by_it);
        tcase_add_test(each, an_interrupt_that_is_ignored_stays_ignored);
        tcase_add_test(each, reload_prints_what_changed);
        tcase_add_test(each, a_reload_that_changes_nothing_says_so_beside_the_output);
        suite_add_tcase(suite, each);
}
