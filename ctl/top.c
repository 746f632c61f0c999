/*
 * kyronctl top: every process that waits, looked at again and again.
 *
 * A look is one sample, which the one before makes rates and diagnoses of, and one question to the
 * daemon, over one session. However large the machine is, looking takes a small part of one
 * processor: where a look takes long, the next one waits.
 */
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/error.h"
#include "ctl/near_word.h"
#include "ctl/screen.h"
#include "ctl/top_picture.h"
#include "ctl/top_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum {
        DELAY_MS = 1000,
        COST_TIMES = 25,      /* of what a look took of a processor, until the next: 4 percent */
        ASK_AGAIN_MS = 10000, /* a daemon that did not answer: asking may take its time */
};

typedef struct Top {
        const CommandLine *command_line;
        WaitView view;
        TopRows rows;
        TopPicture picture;
        Query query; /* its fd is -1 while there is no daemon */
        uint64_t ask_again_ms;
        uint64_t next_ms; /* when to look */
        uint64_t looks;
} Top;

/* ---- Looking --------------------------------------------------------------------------------- */

static uint64_t ms_of(const struct timeval *time)
{
        return (uint64_t)time->tv_sec * 1000 + (uint64_t)time->tv_usec / 1000;
}

/* Of a processor, with our children's. */
static uint64_t used_ms(void)
{
        struct rusage own = {.ru_maxrss = 0}, childrens = {.ru_maxrss = 0};

        getrusage(RUSAGE_SELF, &own);
        getrusage(RUSAGE_CHILDREN, &childrens);
        return ms_of(&own.ru_utime) + ms_of(&own.ru_stime) + ms_of(&childrens.ru_utime) +
               ms_of(&childrens.ru_stime);
}

static void connect_to_daemon(Top *top)
{
        if (top->query.connection.fd >= 0 || clock_now_ms() < top->ask_again_ms)
                return;
        top->ask_again_ms = clock_now_ms() + ASK_AGAIN_MS;
        if (query_open(&top->query, top->command_line->socket_path) != EXIT_CODE_OK)
                query_close(&top->query);
}

static void plan(Top *top, uint64_t began_ms, uint64_t cost_ms)
{
        const uint64_t delay_s = top->command_line->delay_s;
        uint64_t every_ms = delay_s > 0 ? delay_s * 1000 : DELAY_MS;

        if (every_ms < cost_ms * COST_TIMES)
                every_ms = cost_ms * COST_TIMES;
        top->picture.every_ms = every_ms;
        top->picture.cost_ms = cost_ms;
        top->next_ms = began_ms + every_ms;
}

static ExitCode begin(Top *top)
{
        const SampleOptions options = {.large = top->command_line->large};
        const uint64_t began_ms = clock_now_ms(), used = used_ms();
        const ExitCode code = wait_view_begin(&top->view, &options);

        connect_to_daemon(top);
        plan(top, began_ms, used_ms() - used);
        /* Whatever it took: there is nothing to be seen yet. */
        top->next_ms = began_ms + DELAY_MS;
        return code;
}

static ExitCode look(Top *top)
{
        const SampleOptions options = {.large = top->command_line->large};
        const uint64_t began_ms = clock_now_ms(), used = used_ms();
        ExitCode code;

        connect_to_daemon(top);
        code = wait_view_go_on(&top->view, &options,
                               top->query.connection.fd >= 0 ? &top->query : NULL);
        if (code != EXIT_CODE_OK)
                return code;
        if (!top->view.served)
                query_close(&top->query);
        if (top_rows_make(&top->rows, &top->view, &top->command_line->filter) < 0)
                return EXIT_CODE_FAILED;
        top_rows_sort(&top->rows, top->picture.order);
        top->picture.looked = true;
        top->looks++;
        plan(top, began_ms, used_ms() - used);
        return EXIT_CODE_OK;
}

static bool is_done(const Top *top)
{
        return top->command_line->count > 0 && top->looks >= top->command_line->count;
}

/* ---- On the screen --------------------------------------------------------------------------- */

static void sort_by(Top *top, TopOrder order)
{
        top->picture.order = order;
        top_rows_sort(&top->rows, order);
}

/* A key of the list; false: it quits. */
static bool take_key(Top *top, const Screen *screen, int key)
{
        const ptrdiff_t page = (ptrdiff_t)top_picture_rows(screen->size);

        switch (key) {
        case 'q':
                return false;
        case 'o':
                sort_by(top, TOP_BY_OLDEST);
                break;
        case 'e':
                sort_by(top, TOP_BY_EVENTS);
                break;
        case 'c':
                sort_by(top, TOP_BY_PROCESSOR);
                break;
        case ' ':
                top->picture.paused = !top->picture.paused;
                break;
        case 'k':
        case SCREEN_KEY_UP:
                top_picture_move(&top->picture, &top->rows, -1);
                break;
        case 'j':
        case SCREEN_KEY_DOWN:
                top_picture_move(&top->picture, &top->rows, 1);
                break;
        case SCREEN_KEY_PAGE_UP:
                top_picture_move(&top->picture, &top->rows, -page);
                break;
        case SCREEN_KEY_PAGE_DOWN:
                top_picture_move(&top->picture, &top->rows, page);
                break;
        case SCREEN_KEY_ENTER:
                /* What is shown stays the selected one, however the list goes on. */
                top_picture_move(&top->picture, &top->rows, 0);
                top->picture.mode = TOP_SHOWS_WHY;
                break;
        case 'h':
        case '?':
                top->picture.mode = TOP_SHOWS_HELP;
                break;
        default:
                break;
        }
        return true;
}

static ExitCode draw(Top *top, const Screen *screen)
{
        CLEANUP(cleanup_free)
        char *text = top_picture_text(&top->picture, &top->rows, &top->view, screen->size);

        if (!text) {
                error_set(ENOMEM, "no memory for the picture");
                return EXIT_CODE_FAILED;
        }
        screen_draw(screen, text);
        return EXIT_CODE_OK;
}

static ExitCode show(Top *top, Screen *screen)
{
        ExitCode code = draw(top, screen);
        int key = 0;

        if (code == EXIT_CODE_OK)
                code = begin(top);
        while (code == EXIT_CODE_OK && !is_done(top)) {
                switch (screen_wait(screen, top->picture.paused ? UINT64_MAX : top->next_ms,
                                    &key)) {
                case SCREEN_IS_TIME:
                        if (!top->picture.paused)
                                code = look(top);
                        break;
                case SCREEN_HAS_KEY:
                        if (top->picture.mode != TOP_SHOWS_LIST)
                                top->picture.mode = TOP_SHOWS_LIST;
                        else if (!take_key(top, screen, key))
                                return EXIT_CODE_OK;
                        break;
                case SCREEN_IS_CHANGED:
                        break;
                case SCREEN_IS_OVER:
                        return EXIT_CODE_OK;
                }
                if (code == EXIT_CODE_OK)
                        code = draw(top, screen);
        }
        return code;
}

static ExitCode run_on_screen(Top *top)
{
        Screen screen;
        ExitCode code = screen_open(&screen);

        if (code != EXIT_CODE_OK)
                return code;
        code = show(top, &screen);
        screen_close(&screen);
        screen_end_by_signal(&screen);
        return code;
}

/* ---- In a pipe ------------------------------------------------------------------------------- */

static void wait_until(uint64_t then_ms)
{
        uint64_t now;

        while ((now = clock_now_ms()) < then_ms) {
                const struct timespec rest = {
                        .tv_sec = (time_t)((then_ms - now) / 1000),
                        .tv_nsec = (long)((then_ms - now) % 1000 * 1000000),
                };

                nanosleep(&rest, NULL);
        }
}

/* One object on one line. */
static ExitCode print_object(Top *top)
{
        struct timespec now;
        json_t *object = wait_view_object(&top->view);
        int r = -1;

        clock_gettime(CLOCK_REALTIME, &now);
        output_add_time(&object, "time", (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
        output_add(&object, "rows", top_table_array(&top->rows, &top->view));
        if (object)
                r = json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
        if (r < 0 && !ferror(stdout)) {
                error_set(ENOMEM, "no memory for the answer");
                return EXIT_CODE_FAILED;
        }
        putchar('\n');
        return EXIT_CODE_OK;
}

static ExitCode print_table(Top *top)
{
        OutputList list;
        ExitCode code = top_table_list(&top->rows, &list, top->command_line);

        if (top->looks > 1)
                putchar('\n');
        if (code == EXIT_CODE_OK)
                code = output_list_print(&list, "waits");
        output_list_close(&list);
        return code;
}

static ExitCode run_in_pipe(Top *top)
{
        ExitCode code = begin(top);

        while (code == EXIT_CODE_OK && !is_done(top)) {
                wait_until(top->next_ms);
                code = look(top);
                if (code == EXIT_CODE_OK)
                        code = top->command_line->json ? print_object(top) : print_table(top);
                /* What cannot be written is said by main(). */
                if (fflush(stdout) != 0 || ferror(stdout))
                        break;
        }
        return code;
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* By which column it begins: as its heading, or what the key is called. */
static ExitCode read_order(const char *word, TopOrder *order)
{
        static const char *const words[TOP_ORDERS] = {"oldest", "events/s", "cpu%"};
        NearWord near = {.typed = word + (*word == '-')};

        for (int i = 0; i < TOP_ORDERS; i++) {
                if (strcasecmp(near.typed, words[i]) == 0) {
                        *order = (TopOrder)i;
                        return EXIT_CODE_OK;
                }
                near_word_try(&near, words[i]);
        }
        if (near.nearest)
                error_set(EINVAL, "--sort: top is not sorted by \"%s\"; is it %s?", word,
                          near.nearest);
        else
                error_set(EINVAL,
                          "--sort: top is sorted by oldest, events/s or cpu%%, not by \"%s\"",
                          word);
        return EXIT_CODE_USAGE;
}

ExitCode verb_top(const CommandLine *command_line)
{
        CLEANUP(cleanup_free) Top *top = calloc(1, sizeof(*top));
        ExitCode code = EXIT_CODE_OK;

        if (!top) {
                error_set(ENOMEM, "no memory for the answer");
                return EXIT_CODE_FAILED;
        }
        top->command_line = command_line;
        top->query.connection.fd = -1;
        if (command_line->sort)
                code = read_order(command_line->sort, &top->picture.order);
        if (code == EXIT_CODE_OK)
                code = command_line->batch || command_line->json ? run_in_pipe(top)
                                                                 : run_on_screen(top);
        top_rows_free(&top->rows);
        wait_view_release(&top->view);
        query_close(&top->query);
        return code;
}
