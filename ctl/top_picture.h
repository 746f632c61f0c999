/*
 * TopPicture: what the screen of kyronctl top shows: the list of rows with one of them selected, or
 * why the selected one is in it, or which keys there are.
 */
#pragma once

#include "ctl/terminal.h"
#include "ctl/top_rows.h"

typedef enum TopMode {
        TOP_SHOWS_LIST,
        TOP_SHOWS_WHY,
        TOP_SHOWS_HELP,
} TopMode;

typedef struct TopPicture {
        TopMode mode;
        TopOrder order;
        bool paused;
        bool looked;       /* there are rows */
        uint64_t every_ms; /* how often there is a look */
        uint64_t cost_ms;  /* and what the last took of a processor */
        pid_t selected;    /* 0: the first row */
        size_t place;      /* where that was last */
        size_t first;      /* row that is shown */
} TopPicture;

/* Lines of at most so many columns, for screen_draw(); NULL: no memory. It is for free(). */
char *top_picture_text(TopPicture *picture, TopRows *rows, const WaitView *view, TerminalSize size);

/* Selects another row: so many further down, or up. */
void top_picture_move(TopPicture *picture, const TopRows *rows, ptrdiff_t by);
/* How many rows of the list a screen has. */
size_t top_picture_rows(TerminalSize size);
