/*
 * kyronctl listeners, groups and holds, against a process in the daemon's place that has them:
 * every entry is shown, once, and ordinary ones fit eighty columns.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { PAGE = 128, MANY = 1000 };

static LyingDaemon daemon_process;
static KyronctlSetup setup;

/* Serves one run. */
static void serve(bool (*reply)(int fd, const Iod__Frame *request))
{
        const Lie lie = {.reply = reply};

        lying_daemon_start(&daemon_process, &lie);
        setup = (KyronctlSetup){.socket_path = daemon_process.socket_path};
}

static KyronctlRun run_once(bool (*reply)(int fd, const Iod__Frame *request),
                            const char *const *words, int terminal_columns)
{
        KyronctlRun run;

        serve(reply);
        setup.terminal_columns = terminal_columns;
        run = kyronctl_run(&setup, words);
        lying_daemon_stop(&daemon_process);
        return run;
}

#define RUN_ONCE(reply, ...) run_once((reply), (const char *const[]){__VA_ARGS__, NULL}, 0)

/* ---- Pages that replies are made of ---------------------------------------------------------- */

static bool answer_listeners(int fd, const Iod__Frame *request, Iod__ListenerEntry *entries,
                             size_t n, bool more)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners page = IOD__LISTENERS__INIT;
        Iod__ListenerEntry *pointers[PAGE];

        for (size_t i = 0; i < n; i++)
                pointers[i] = &entries[i];
        page.entry = pointers;
        page.n_entry = n;
        page.more = more;
        frame.body_case = IOD__FRAME__BODY_LISTENERS;
        frame.listeners = &page;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_groups(int fd, const Iod__Frame *request, Iod__GroupEntry *entries, size_t n,
                          bool more)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Groups page = IOD__GROUPS__INIT;
        Iod__GroupEntry *pointers[PAGE];

        for (size_t i = 0; i < n; i++)
                pointers[i] = &entries[i];
        page.entry = pointers;
        page.n_entry = n;
        page.more = more;
        frame.body_case = IOD__FRAME__BODY_GROUPS;
        frame.groups = &page;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_holds(int fd, const Iod__Frame *request, Iod__HoldEntry *entries, size_t n,
                         bool more)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Holds page = IOD__HOLDS__INIT;
        Iod__HoldEntry *pointers[PAGE];

        for (size_t i = 0; i < n; i++)
                pointers[i] = &entries[i];
        page.entry = pointers;
        page.n_entry = n;
        page.more = more;
        frame.body_case = IOD__FRAME__BODY_HOLDS;
        frame.holds = &page;
        return lying_daemon_answer(fd, request, &frame);
}

/* ---- A few of each --------------------------------------------------------------------------- */

static bool reply_with_listeners(int fd, const Iod__Frame *request)
{
        Iod__ListenerEntry listeners[5] = {IOD__LISTENER_ENTRY__INIT, IOD__LISTENER_ENTRY__INIT,
                                           IOD__LISTENER_ENTRY__INIT, IOD__LISTENER_ENTRY__INIT};

        listeners[0].listener = 1;
        listeners[0].name = (char *)"web";
        listeners[0].address = (char *)"tcp:[2001:db8::1]:8080";
        listeners[0].configured = true;
        listeners[0].shared = true;
        listeners[0].least_loaded = true;
        listeners[0].workers = 4;
        listeners[0].credits = 4096;
        listeners[0].silent = 3;
        listeners[0].queued = 2;
        listeners[0].accepted = 1234567;
        listeners[0].backlog = 7;
        listeners[0].backlog_max = 128;
        listeners[0].passed = 1234562;
        listeners[1] = listeners[0];
        listeners[1].listener = 2;
        listeners[1].name = (char *)"app";
        listeners[1].address = (char *)"unix:/run/app/socket";
        listeners[1].configured = false;
        listeners[1].paused = true;
        listeners[2].listener = 7;
        listeners[2].name = (char *)"metrics";
        listeners[2].address = (char *)"tcp:127.0.0.1:9100";
        listeners[2].uid = 61234;
        listeners[3].listener = 8;
        listeners[3].name = (char *)"late";
        listeners[3].address = (char *)"tcp:192.0.2.1:80";
        listeners[3].configured = listeners[3].shared = listeners[3].lacks_socket = true;
        listeners[4] = listeners[0];
        listeners[4].listener = 9;
        listeners[4].name = (char *)"flooded";
        listeners[4].backlog = 129;
        return answer_listeners(fd, request, listeners, 5, false);
}

static bool reply_with_groups(int fd, const Iod__Frame *request)
{
        Iod__GroupEntry groups[6] = {IOD__GROUP_ENTRY__INIT};

        groups[0].listener = 1;
        groups[0].name = (char *)"web";
        groups[0].session = 12;
        groups[0].endpoint = 2;
        groups[0].pid = 104512;
        groups[0].program = (char *)"echo_server";
        groups[0].weight = 2;
        groups[0].credits = 4096;
        groups[0].in_hand = 20;
        groups[0].not_taken = 1;
        groups[0].passed = 123456;
        groups[0].oldest_ms = 125000;
        groups[1] = groups[0];
        groups[1].session = 13;
        groups[1].draining = true;
        groups[2] = groups[1];
        groups[2].session = 14;
        groups[2].in_hand = 0;
        groups[2].not_taken = 0;
        groups[2].keep_on_death = true;
        groups[3] = groups[2];
        groups[3].session = 15;
        groups[3].not_taken = 1;
        groups[4] = groups[0];
        groups[4].session = 16;
        groups[4].spent_ms = 5000;
        groups[5] = groups[4];
        groups[5].session = 17;
        groups[5].not_taken_ms = 3000;
        return answer_groups(fd, request, groups, 6, false);
}

static bool reply_with_holds(int fd, const Iod__Frame *request)
{
        Iod__HoldEntry holds[2] = {IOD__HOLD_ENTRY__INIT, IOD__HOLD_ENTRY__INIT};

        holds[0].hold = 3;
        holds[0].name = (char *)"session-42";
        holds[0].session = 12;
        holds[0].pid = 104512;
        holds[0].program = (char *)"echo_server";
        holds[0].kind = (char *)"unix-stream";
        holds[0].inode = 1;
        holds[0].note_size = 65536;
        holds[0].since = 1795366517u * UINT64_C(1000000000);
        holds[0].time_left_ms = 90061000;
        holds[1] = holds[0];
        holds[1].hold = 4;
        holds[1].name = (char *)"";
        holds[1].kind = (char *)"eventfd";
        holds[1].note_size = 0;
        holds[1].time_left_ms = 999;
        return answer_holds(fd, request, holds, 2, false);
}

static bool reply_with_a_few(int fd, const Iod__Frame *request)
{
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return reply_with_listeners(fd, request);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return reply_with_groups(fd, request);
        case IOD__FRAME__BODY_LIST_HOLDS:
                return reply_with_holds(fd, request);
        default:
                return false;
        }
}

static const char *const lists[] = {"listeners", "groups", "holds"};
static const char *const empty_sentences[] = {"no listeners\n", "no workers\n",
                                              "no held descriptors\n"};

/* The words of a table's line, which begins with this one. */
static void check_row(const char *table, const char *first, const char *expected)
{
        char words[256] = "", line[256] = "", start[64];
        const char *at;
        char *rest = NULL;

        snprintf(start, sizeof(start), "\n%s ", first);
        at = strstr(table, start);
        ck_assert_msg(at != NULL, "no row of %s in\n%s", first, table);
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
        for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
                strcat(strcat(words, *words ? " " : ""), word);
        ck_assert_str_eq(words, expected);
}

START_TEST(ordinary_tables_fit_eighty_columns)
{
        static const size_t lengths[] = {6, 7, 3};
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = run_once(reply_with_a_few, (const char *const[]){lists[_i], NULL}, 80);

        kyronctl_run_succeeded(&run);
        ck_assert_msg(kyronctl_text_width(run.out) <= 80, "\n%s", run.out);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), lengths[_i]);
}
END_TEST

START_TEST(listeners_show_who_serves_them_and_what_waits)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release)
        KyronctlRun table = RUN_ONCE(reply_with_a_few, "listeners");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reply_with_a_few, "listeners", "--json");
        json_t *web;

        check_row(table.out, "web",
                  "web tcp:[2001:db8::1]:8080 - 4 4096 5 7/128 1234567 accepting");
        check_row(table.out, "app", "app unix:/run/app/socket root 4 4096 5 7/128 1234567 paused");
        check_row(table.out, "metrics", "metrics tcp:127.0.0.1:9100 61234 0 0 0 - 0 to-take");
        check_row(table.out, "late", "late tcp:192.0.2.1:80 - 0 0 0 - 0 waiting");
        kyronctl_run_succeeded(&json);
        array = kyronctl_run_json(&json);
        ck_assert_uint_eq(json_array_size(array), 5);
        web = kyronctl_json_find(array, "listener", 1);
        kyronctl_json_check_text(web, "name", "web");
        kyronctl_json_check_text(web, "address", "tcp:[2001:db8::1]:8080");
        kyronctl_json_check_text(web, "state", "accepting");
        kyronctl_json_check_number(web, "silent", 3);
        kyronctl_json_check_number(web, "backlog", 7);
        kyronctl_json_check_number(web, "backlog_max", 128);
        kyronctl_json_check_text(kyronctl_json_find(array, "listener", 9), "state", "full");
        kyronctl_json_check_number(web, "queued", 2);
        kyronctl_json_check_number(web, "passed", 1234562);
        ck_assert(json_is_true(json_object_get(web, "configured")));
        ck_assert(json_is_true(json_object_get(web, "shared")));
        ck_assert(json_is_true(json_object_get(web, "least_loaded")));
        ck_assert(json_is_false(json_object_get(web, "when_readable")));
        kyronctl_json_check_text(kyronctl_json_find(array, "listener", 2), "state", "paused");
        kyronctl_json_check_number(kyronctl_json_find(array, "listener", 7), "uid", 61234);
}
END_TEST

START_TEST(groups_show_what_each_worker_has)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun table = RUN_ONCE(reply_with_a_few, "groups");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reply_with_a_few, "groups", "--json");
        json_t *worker;

        check_row(table.out, "web", "web 12 104512 echo_server 2 4096 20 2min 1 123456 serving");
        ck_assert_ptr_nonnull(strstr(table.out, " draining\n"));
        ck_assert_ptr_nonnull(strstr(table.out, " drained\n"));
        ck_assert_ptr_nonnull(strstr(table.out, " spent 5s\n"));
        ck_assert_ptr_nonnull(strstr(table.out, " frozen 3s\n"));
        array = kyronctl_run_json(&json);
        ck_assert_uint_eq(json_array_size(array), 6);
        worker = kyronctl_json_find(array, "session", 13);
        kyronctl_json_check_text(worker, "name", "web");
        kyronctl_json_check_text(worker, "program", "echo_server");
        kyronctl_json_check_text(worker, "state", "draining");
        kyronctl_json_check_number(worker, "listener", 1);
        kyronctl_json_check_number(worker, "endpoint", 2);
        kyronctl_json_check_number(worker, "weight", 2);
        kyronctl_json_check_number(worker, "oldest_ms", 125000);
        kyronctl_json_check_number(worker, "credits", 4096);
        kyronctl_json_check_number(worker, "in_hand", 20);
        kyronctl_json_check_number(worker, "not_taken", 1);
        ck_assert(json_is_false(json_object_get(worker, "keep_on_death")));
        worker = kyronctl_json_find(array, "session", 14);
        ck_assert(json_is_true(json_object_get(worker, "keep_on_death")));
        kyronctl_json_check_text(worker, "state", "drained");
        kyronctl_json_check_text(kyronctl_json_find(array, "session", 15), "state", "draining");
        kyronctl_json_check_text(kyronctl_json_find(array, "session", 16), "state", "spent");
        kyronctl_json_check_text(kyronctl_json_find(array, "session", 17), "state", "frozen");
}
END_TEST

START_TEST(holds_show_whose_they_are_and_for_how_long)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun table = RUN_ONCE(reply_with_a_few, "holds");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reply_with_a_few, "holds", "--json");
        json_t *hold;

        check_row(table.out, "session-42", "session-42 root echo_server u_str 65536 1d -");
        check_row(table.out, "-", "- root echo_server eventfd 0 999ms -");
        array = kyronctl_run_json(&json);
        ck_assert_uint_eq(json_array_size(array), 2);
        hold = kyronctl_json_find(array, "hold", 3);
        kyronctl_json_check_text(hold, "name", "session-42");
        kyronctl_json_check_text(hold, "kind", "unix-stream");
        kyronctl_json_check_text(hold, "since", "2026-11-22T16:55:17Z");
        kyronctl_json_check_number(hold, "session", 12);
        kyronctl_json_check_number(hold, "note_size", 65536);
        kyronctl_json_check_number(hold, "time_left_ms", 90061000);
        ck_assert(json_is_null(json_object_get(hold, "local")));
}
END_TEST

static bool reply_with_status(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;

        status.sessions = 44;
        status.sessions_direct = 37;
        status.sessions_waiting = 41;
        status.listeners = 3;
        status.workers = 5;
        status.connects = 7;
        status.holds = 11;
        status.descriptors_kept = 13;
        status.descriptors_kept_max = 17;
        status.in_flight = 19;
        status.in_flight_max = 23;
        status.in_flight_others = 29;
        status.sessions_left = 31;
        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        return lying_daemon_answer(fd, request, &frame);
}

START_TEST(status_counts_them)
{
        CLEANUP(cleanup_json) json_t *status = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun text = RUN_ONCE(reply_with_status, "status");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reply_with_status, "status", "--json");

        kyronctl_run_succeeded(&text);
        ck_assert_ptr_nonnull(strstr(text.out, "sessions       43 of 0 (0 a user), 37 direct, "
                                               "41 waiting, 0 ever\n"));
        ck_assert_ptr_nonnull(strstr(text.out, "\nlisteners      3, with 5 workers\n"
                                               "connects       7 under way\n"
                                               "holds          11; 13 of 17 descriptors kept\n"
                                               "unread         19 of 23 descriptors passed on, 29 "
                                               "not by this daemon; 31 sessions that have "
                                               "ended\n"));
        status = kyronctl_run_json(&json);
        kyronctl_json_check_number(status, "sessions", 43);
        kyronctl_json_check_number(status, "sessions_direct", 37);
        kyronctl_json_check_number(status, "sessions_waiting", 41);
        kyronctl_json_check_number(status, "listeners", 3);
        kyronctl_json_check_number(status, "workers", 5);
        kyronctl_json_check_number(status, "connects", 7);
        kyronctl_json_check_number(status, "holds", 11);
        kyronctl_json_check_number(status, "descriptors_kept", 13);
        kyronctl_json_check_number(status, "descriptors_kept_max", 17);
        kyronctl_json_check_number(status, "in_flight", 19);
        kyronctl_json_check_number(status, "in_flight_max", 23);
        kyronctl_json_check_number(status, "in_flight_others", 29);
        kyronctl_json_check_number(status, "sessions_left", 31);
}
END_TEST

/* ---- None ------------------------------------------------------------------------------------ */

static bool reply_with_nothing(int fd, const Iod__Frame *request)
{
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, NULL, 0, false);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, NULL, 0, false);
        case IOD__FRAME__BODY_LIST_HOLDS:
                return answer_holds(fd, request, NULL, 0, false);
        default:
                return false;
        }
}

START_TEST(nothing_to_show_is_said_beside_the_output)
{
        CLEANUP(kyronctl_run_release) KyronctlRun table = RUN_ONCE(reply_with_nothing, lists[_i]);
        CLEANUP(kyronctl_run_release)
        KyronctlRun quiet = RUN_ONCE(reply_with_nothing, lists[_i], "--no-legend");
        CLEANUP(kyronctl_run_release)
        KyronctlRun json = RUN_ONCE(reply_with_nothing, lists[_i], "--json");

        ck_assert_int_eq(table.exit_status, 0);
        ck_assert_str_eq(table.out, "");
        ck_assert_str_eq(table.err, empty_sentences[_i]);
        kyronctl_run_succeeded(&quiet);
        ck_assert_str_eq(quiet.out, "");
        kyronctl_run_succeeded(&json);
        ck_assert_str_eq(json.out, "[]\n");
}
END_TEST

START_TEST(no_legend_leaves_the_rows)
{
        CLEANUP(kyronctl_run_release) KyronctlRun with = RUN_ONCE(reply_with_a_few, lists[_i]);
        CLEANUP(kyronctl_run_release)
        KyronctlRun without = RUN_ONCE(reply_with_a_few, lists[_i], "--no-legend");

        kyronctl_run_succeeded(&without);
        ck_assert_uint_eq(kyronctl_count_lines(without.out) + 1, kyronctl_count_lines(with.out));
        ck_assert_ptr_null(strstr(without.out, "PROGRAM"));
        ck_assert_ptr_null(strstr(without.out, "NAME"));
}
END_TEST

/* ---- A thousand ------------------------------------------------------------------------------ */

/* Numbers 3, 6, 9, … up to 3 × MANY; of groups four workers for each listener, of two
 * sessions. */
static bool reply_with_many(int fd, const Iod__Frame *request)
{
        Iod__ListenerEntry listeners[PAGE];
        Iod__GroupEntry groups[PAGE];
        Iod__HoldEntry holds[PAGE];
        uint64_t first = 0;
        size_t n;

        if (request->body_case == IOD__FRAME__BODY_LIST_LISTENERS)
                first = request->list_listeners->after / 3;
        else if (request->body_case == IOD__FRAME__BODY_LIST_HOLDS)
                first = request->list_holds->after / 3;
        else if (request->list_groups->after_listener > 0)
                first = (request->list_groups->after_listener - 1) * 4 +
                        request->list_groups->after_session % 2 * 2 +
                        request->list_groups->after_endpoint;
        n = MANY - first < PAGE ? (size_t)(MANY - first) : PAGE;
        for (size_t i = 0; i < n; i++) {
                listeners[i] = (Iod__ListenerEntry)IOD__LISTENER_ENTRY__INIT;
                listeners[i].listener = (first + i + 1) * 3;
                groups[i] = (Iod__GroupEntry)IOD__GROUP_ENTRY__INIT;
                groups[i].listener = (first + i) / 4 + 1;
                groups[i].session = 10 + (first + i) / 2 % 2;
                groups[i].endpoint = (uint32_t)(first + i) % 2 + 1;
                groups[i].passed = first + i;
                holds[i] = (Iod__HoldEntry)IOD__HOLD_ENTRY__INIT;
                holds[i].hold = (first + i + 1) * 3;
        }
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, listeners, n, first + n < MANY);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, groups, n, first + n < MANY);
        default:
                return answer_holds(fd, request, holds, n, first + n < MANY);
        }
}

START_TEST(all_entries_are_shown_when_they_fill_many_pages)
{
        static const char *const keys[] = {"listener", "passed", "hold"};
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN_ONCE(reply_with_many, lists[_i], "--json");

        kyronctl_run_succeeded(&run);
        array = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(array), MANY);
        for (uint64_t i = 0; i < MANY; i++)
                kyronctl_json_check_number(json_array_get(array, i), keys[_i],
                                           _i == 1 ? i : (i + 1) * 3);
}
END_TEST

/* ---- Long and hostile names ------------------------------------------------------------------ */

#define LONG_NAME "a-name-of-sixty-three-bytes-which-is-as-long-as-a-name-can-be-"

static bool reply_with_long_names(int fd, const Iod__Frame *request)
{
        Iod__ListenerEntry listener = IOD__LISTENER_ENTRY__INIT;
        Iod__GroupEntry group = IOD__GROUP_ENTRY__INIT;
        Iod__HoldEntry hold = IOD__HOLD_ENTRY__INIT;

        listener.listener = group.listener = hold.hold = 1;
        group.session = 1;
        listener.name = group.name = hold.name = (char *)LONG_NAME "\033";
        listener.address = (char *)"unix:/run/" LONG_NAME "/" LONG_NAME "\a";
        group.program = hold.program = (char *)"a program's name of 32 bytes\a\a\a\a";
        hold.kind = (char *)"\033[7m";
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, &listener, 1, false);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, &group, 1, false);
        default:
                return answer_holds(fd, request, &hold, 1, false);
        }
}

START_TEST(long_names_are_whole_in_a_file_and_cut_on_a_terminal)
{
        const char *const words[] = {lists[_i], NULL};
        CLEANUP(kyronctl_run_release) KyronctlRun file = run_once(reply_with_long_names, words, 0);
        CLEANUP(kyronctl_run_release)
        KyronctlRun terminal = run_once(reply_with_long_names, words, 80);

        kyronctl_run_succeeded(&file);
        ck_assert_ptr_nonnull(strstr(file.out, LONG_NAME "?"));
        ck_assert_uint_eq(kyronctl_count_lines(file.out), 2);
        kyronctl_run_succeeded(&terminal);
        ck_assert_msg(kyronctl_text_width(terminal.out) <= 80, "\n%s", terminal.out);
        ck_assert_uint_eq(kyronctl_count_lines(terminal.out), 2);
        /* As "?", not as a table escapes them. */
        ck_assert_ptr_null(strpbrk(file.out, "\033\a\\"));
}
END_TEST

/* ---- Nonsense -------------------------------------------------------------------------------- */

static bool reply_with_a_page_that_leads_nowhere(int fd, const Iod__Frame *request)
{
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, NULL, 0, true);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, NULL, 0, true);
        default:
                return answer_holds(fd, request, NULL, 0, true);
        }
}

/* An empty one, and then one with an entry. */
static bool reply_with_an_empty_page_first(int fd, const Iod__Frame *request)
{
        enum { NEXT = 7 };
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners listeners = IOD__LISTENERS__INIT;
        Iod__Groups groups = IOD__GROUPS__INIT;
        Iod__Holds holds = IOD__HOLDS__INIT;
        Iod__ListenerEntry listener = IOD__LISTENER_ENTRY__INIT;
        Iod__GroupEntry group = IOD__GROUP_ENTRY__INIT;
        Iod__HoldEntry hold = IOD__HOLD_ENTRY__INIT;

        listener.listener = hold.hold = group.session = NEXT + 1;
        group.listener = NEXT;
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                if (request->list_listeners->after == NEXT)
                        return answer_listeners(fd, request, &listener, 1, false);
                listeners.more = true;
                listeners.next = NEXT;
                frame.body_case = IOD__FRAME__BODY_LISTENERS;
                frame.listeners = &listeners;
                break;
        case IOD__FRAME__BODY_LIST_GROUPS:
                if (request->list_groups->after_session == NEXT)
                        return answer_groups(fd, request, &group, 1, false);
                groups.more = true;
                groups.next_listener = groups.next_session = NEXT;
                frame.body_case = IOD__FRAME__BODY_GROUPS;
                frame.groups = &groups;
                break;
        default:
                if (request->list_holds->after == NEXT)
                        return answer_holds(fd, request, &hold, 1, false);
                holds.more = true;
                holds.next = NEXT;
                frame.body_case = IOD__FRAME__BODY_HOLDS;
                frame.holds = &holds;
        }
        return lying_daemon_answer(fd, request, &frame);
}

START_TEST(a_list_goes_on_after_an_empty_page)
{
        CLEANUP(cleanup_json) json_t *array = NULL;
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN_ONCE(reply_with_an_empty_page_first, lists[_i], "--json");

        kyronctl_run_succeeded(&run);
        array = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(array), 1);
}
END_TEST

/* The same page again and again. */
static bool reply_with_the_same_page(int fd, const Iod__Frame *request)
{
        Iod__ListenerEntry listener = IOD__LISTENER_ENTRY__INIT;
        Iod__GroupEntry group = IOD__GROUP_ENTRY__INIT;
        Iod__HoldEntry hold = IOD__HOLD_ENTRY__INIT;

        listener.listener = group.listener = hold.hold = 1;
        group.session = 1;
        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, &listener, 1, true);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, &group, 1, true);
        default:
                return answer_holds(fd, request, &hold, 1, true);
        }
}

static bool reply_to_something_else(int fd, const Iod__Frame *request)
{
        return lying_daemon_done(fd, request);
}

static bool reply_by_closing(int fd, const Iod__Frame *request)
{
        (void)fd;
        (void)request;
        return false;
}

static bool reply_with_a_refusal(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, EACCES, "no lists for you");
}

START_TEST(a_list_that_makes_no_sense_is_an_error)
{
        static const char *const disorders[] = {"listeners out of order", "groups out of order",
                                                "holds out of order"};
        CLEANUP(kyronctl_run_release)
        KyronctlRun nowhere = RUN_ONCE(reply_with_a_page_that_leads_nowhere, lists[_i]);
        CLEANUP(kyronctl_run_release)
        KyronctlRun again = RUN_ONCE(reply_with_the_same_page, lists[_i]);
        CLEANUP(kyronctl_run_release)
        KyronctlRun other = RUN_ONCE(reply_to_something_else, lists[_i]);
        CLEANUP(kyronctl_run_release) KyronctlRun closed = RUN_ONCE(reply_by_closing, lists[_i]);
        CLEANUP(kyronctl_run_release)
        KyronctlRun refused = RUN_ONCE(reply_with_a_refusal, lists[_i]);

        kyronctl_run_failed(&nowhere, 1, "a page that leads nowhere");
        kyronctl_run_failed(&again, 1, disorders[_i]);
        kyronctl_run_failed(&other, 1, "with done");
        kyronctl_run_failed(&closed, 3, "the daemon closed the connection");
        kyronctl_run_failed(&refused, 4, "no lists for you");
}
END_TEST

TEST_SUITE(test_kyronctl_lists)
{
        TCase *each = tcase_create("lists");

        tcase_set_timeout(each, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(each, ordinary_tables_fit_eighty_columns, 0, 3);
        tcase_add_test(each, listeners_show_who_serves_them_and_what_waits);
        tcase_add_test(each, groups_show_what_each_worker_has);
        tcase_add_test(each, holds_show_whose_they_are_and_for_how_long);
        tcase_add_test(each, status_counts_them);
        tcase_add_loop_test(each, nothing_to_show_is_said_beside_the_output, 0, 3);
        tcase_add_loop_test(each, no_legend_leaves_the_rows, 0, 3);
        tcase_add_loop_test(each, all_entries_are_shown_when_they_fill_many_pages, 0, 3);
        tcase_add_loop_test(each, long_names_are_whole_in_a_file_and_cut_on_a_terminal, 0, 3);
        tcase_add_loop_test(each, a_list_goes_on_after_an_empty_page, 0, 3);
        tcase_add_loop_test(each, a_list_that_makes_no_sense_is_an_error, 0, 3);
        suite_add_tcase(suite, each);
}
