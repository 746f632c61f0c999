/* What kyronctl top shows. See top_picture.h. */
#include "ctl/top_picture.h"

#include "core/cleanup.h"
#include "ctl/chain_text.h"
#include "ctl/diagnosis_text.h"
#include "ctl/shown_text.h"
#include "ctl/top_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        LINES_AROUND = 4, /* the rows: two lines about all, the headings, and the keys */
        LINE_MAX_BYTES = 512,
};

static const char selected_on[] = "\033[7m", bold_on[] = "\033[1m", off[] = "\033[0m";

/* ---- Lines ----------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void print_line(FILE *out, size_t width,
                                                             const char *format, ...)
{
        char line[LINE_MAX_BYTES];
        va_list args;

        va_start(args, format);
        vsnprintf(line, sizeof(line), format, args);
        va_end(args);
        shown_text_make_printable(line);
        shown_text_print(out, line, width);
        fputc('\n', out);
}

/* Words, on as many lines as they take; those after the first are indented. */
static void print_wrapped(FILE *out, size_t width, const char *text)
{
        CLEANUP(cleanup_free) char *copy = strdup(text);
        char *rest = copy, *word;
        size_t column = 0;

        while (copy && (word = strsep(&rest, " "))) {
                const size_t own = shown_text_width(word);

                if (column > 0 && column + 1 + own > width) {
                        fputs("\n  ", out);
                        column = 2;
                } else if (column > 0) {
                        fputc(' ', out);
                        column++;
                }
                shown_text_print(out, word, width > column ? width - column : 0);
                column += own;
        }
        fputc('\n', out);
}

/* ---- The list -------------------------------------------------------------------------------- */

static const char *order_text(TopOrder order)
{
        static const char *const texts[TOP_ORDERS] = {"oldest", "events", "processor"};

        return texts[order];
}

static void print_head(FILE *out, const TopPicture *picture, const TopRows *rows,
                       const WaitView *view, size_t width)
{
        const time_t seconds = time(NULL);
        char clock[16] = "-";
        size_t wrong = 0;
        struct tm now;

        if (localtime_r(&seconds, &now))
                strftime(clock, sizeof(clock), "%H:%M:%S", &now);
        for (size_t i = 0; i < rows->count; i++)
                wrong += rows->rows[i].wrong;
        print_line(out, width,
                   "kyronctl top  %s  by %s%s  a look every %" PRIu64 ".%" PRIu64
                   " s takes %" PRIu64 " ms",
                   clock, order_text(picture->order), picture->paused ? "  paused" : "",
                   picture->every_ms / 1000, picture->every_ms % 1000 / 100, picture->cost_ms);
        print_line(
                out, width,
                "to worry about: %zu; %s%zu; processes: %zu, not seen: %zu; epoll sets: %zu, "
                "not read: %zu",
                wrong, view->served ? "sessions: " : "no daemon, sessions: ", view->session_count,
                view->second.count, view->second.shut, view->second.sets, view->second.sets_hung);
}

static size_t place_of(const TopPicture *picture, const TopRows *rows)
{
        for (size_t i = 0; i < rows->count && picture->selected > 0; i++) {
                if (rows->rows[i].pid == picture->selected)
                        return i;
        }
        /* It has gone: whoever has its place. */
        return picture->place < rows->count || rows->count == 0 ? picture->place : rows->count - 1;
}

size_t top_picture_rows(TerminalSize size)
{
        return size.rows > LINES_AROUND ? size.rows - LINES_AROUND : 1;
}

void top_picture_move(TopPicture *picture, const TopRows *rows, ptrdiff_t by)
{
        const ptrdiff_t to = (ptrdiff_t)place_of(picture, rows) + by;

        if (rows->count == 0)
                return;
        picture->place = to < 0 ? 0 : (size_t)to < rows->count ? (size_t)to : rows->count - 1;
        picture->selected = rows->rows[picture->place].pid;
}

/* Moves the window so that the selected row is in it. */
static void follow(TopPicture *picture, const TopRows *rows, size_t shown)
{
        picture->place = place_of(picture, rows);
        if (picture->place < picture->first)
                picture->first = picture->place;
        if (picture->place >= picture->first + shown)
                picture->first = picture->place + 1 - shown;
        if (picture->first > 0 && picture->first + shown > rows->count)
                picture->first = rows->count > shown ? rows->count - shown : 0;
}

static void print_table(FILE *out, const TopPicture *picture, char *lines, size_t shown,
                        size_t width)
{
        char *rest = lines, *line;

        for (size_t i = 0; (line = strsep(&rest, "\n")) && *line; i++) {
                const bool selected = i == picture->place + 1;

                if (i == 0)
                        fprintf(out, "%s%s%s\n", bold_on, line, off);
                else if (i > picture->first && i <= picture->first + shown)
                        fprintf(out, "%s%s%*s%s\n", selected ? selected_on : "", line,
                                selected ? (int)(width - shown_text_width(line)) : 0, "",
                                selected ? off : "");
        }
}

static bool print_list(FILE *out, TopPicture *picture, const TopRows *rows, TerminalSize size)
{
        const CommandLine plain = {.json = false};
        const OutputFit fit = {.width = size.columns};
        const size_t shown = top_picture_rows(size);
        CLEANUP(cleanup_free) char *lines = NULL;
        OutputList list = {.count = 0};
        size_t length = 0;
        FILE *table = open_memstream(&lines, &length);
        bool printed;

        if (!table)
                return false;
        printed = top_table_list(rows, &list, &plain) == EXIT_CODE_OK && !list.failed &&
                  output_table_print(&list.table, &fit, table) == 0;
        output_list_close(&list);
        if (fclose(table) != 0 || !printed)
                return false;
        follow(picture, rows, shown);
        print_table(out, picture, lines, shown, size.columns);
        /* Where there is no row there are no headings either. */
        for (size_t i = rows->count; i < shown + (rows->count == 0); i++)
                fputc('\n', out);
        print_line(
                out, size.columns,
                "q quit  space pause  o oldest  e events  c processor  up down enter why  h help");
        return true;
}

/* ---- The others ------------------------------------------------------------------------------ */

/* A paragraph for each process that waits for the next. */
static void print_chain(FILE *out, const TopRow *row, TopRows *rows, const WaitView *view,
                        size_t width)
{
        char sentence[CHAIN_TEXT_MAX], text[CHAIN_TEXT_MAX + PROCESS_NAME_MAX + 32];
        Chain chain;

        if (chain_follow(&chain, &view->first, &view->second, row->process) < 0)
                return; /* the next picture may have the memory */
        for (size_t i = 0; i < chain.count; i++) {
                const Process *process = chain.links[i].process;

                chain_text_sentence(view, &chain, i, &rows->findings, sentence);
                snprintf(text, sizeof(text), "%s %d: %s", process->stat.name, (int)process->pid,
                         sentence);
                shown_text_make_printable(text);
                print_wrapped(out, width, text);
        }
}

static void print_why(FILE *out, const TopPicture *picture, TopRows *rows, const WaitView *view,
                      size_t width)
{
        const TopRow *row = rows->count > 0 ? &rows->rows[place_of(picture, rows)] : NULL;
        char sentence[DIAGNOSIS_TEXT_MAX];

        if (!row) {
                print_line(out, width, "nothing waits here");
                return;
        }
        print_line(out, width, "why %d (%s)", (int)row->pid, row->program);
        fputc('\n', out);
        rows->findings.count = rows->findings.more = 0;
        if (row->process)
                wait_view_find(view, row->process, &rows->findings);
        for (size_t i = 0; i < rows->findings.count; i++) {
                diagnosis_text_sentence(&rows->findings.found[i], row->pid, sentence);
                print_wrapped(out, width, sentence);
        }
        if (rows->findings.more > 0)
                print_line(out, width, "and %zu more", rows->findings.more);
        if (!row->process || row->process->status == PROCESS_SHUT)
                print_wrapped(out, width, "what it has open is for root and its own user to see");
        else if (rows->findings.count == 0)
                print_wrapped(out, width, "nothing to worry about is to be seen");
        for (size_t i = 0; i < view->session_count; i++) {
                const WaitSession *session = &view->sessions[i];

                if (session->pid == row->pid)
                        print_line(out, width, "session %" PRIu64 " of kyron-iod, %s%s",
                                   session->session, session->direct ? "direct" : "relayed",
                                   session->waiting ? "; it has not read what it was sent" : "");
        }
        if (row->process)
                print_chain(out, row, rows, view, width);
        fputc('\n', out);
        print_line(out, width, "any key: back to the list");
}

static void print_help(FILE *out, size_t width)
{
        static const char *const lines[] = {
                "o           sort by what has lasted longest: wrong, or unserved",
                "e           by events a second that a session was told",
                "c           by what the threads used of a processor",
                "up, k       select the row above; also page up",
                "down, j     select the row below; also page down",
                "enter       why: what is wrong with the selected process, in sentences",
                "space       pause, and go on",
                "h, ?        this",
                "q           quit",
                "",
                "What the columns mean is in kyronctl(1).",
                "",
                "any key: back to the list",
        };

        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
                print_line(out, width, "%s", lines[i]);
}

char *top_picture_text(TopPicture *picture, TopRows *rows, const WaitView *view, TerminalSize size)
{
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        bool made = true;

        if (!out)
                return NULL;
        print_head(out, picture, rows, view, size.columns);
        if (picture->mode == TOP_SHOWS_HELP)
                print_help(out, size.columns);
        else if (!picture->looked)
                print_line(out, size.columns, "looking...");
        else if (picture->mode == TOP_SHOWS_WHY)
                print_why(out, picture, rows, view, size.columns);
        else
                made = print_list(out, picture, rows, size);
        if (fclose(out) == 0 && made)
                return text;
        free(text);
        return NULL;
}
