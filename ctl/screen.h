/*
 * Screen: the terminal, taken over for a picture that is drawn again and again, on its alternate
 * screen, with keys read as they are typed. Plain escape sequences, which every terminal of today
 * knows (ECMA-48 and xterm's 1049).
 *
 * Whatever ends or stops kyronctl meanwhile, the terminal is given back as it was: signals that
 * do so are blocked and taken here, one after the other, between pictures; those of a crash give it
 * back from their handler. There is one screen at a time.
 */
#pragma once

#include "ctl/terminal.h"
#include "ctl/verb.h"

#include <signal.h>
#include <stdint.h>
#include <termios.h>

typedef enum ScreenKey {
        /* Characters are themselves. */
        SCREEN_KEY_ENTER = '\n',
        SCREEN_KEY_ESCAPE = 27,
        SCREEN_KEY_UP = 256,
        SCREEN_KEY_DOWN,
        SCREEN_KEY_PAGE_UP,
        SCREEN_KEY_PAGE_DOWN,
        SCREEN_KEY_OTHER,
} ScreenKey;

typedef enum ScreenEvent {
        SCREEN_IS_TIME,    /* the time has come */
        SCREEN_HAS_KEY,    /* one was typed */
        SCREEN_IS_CHANGED, /* it is to be drawn again: its size is another, or it is back */
        SCREEN_IS_OVER,    /* a signal is to end kyronctl, or the terminal is gone */
} ScreenEvent;

typedef struct Screen {
        TerminalSize size;
        struct termios before;
        sigset_t blocked_before;
        int signal_fd; /* -1: the screen is not open */
        int out_fd;    /* the terminal, which is never waited for longer than a second */
        int signal;    /* which is to end kyronctl; 0: none */
        size_t typed_count;
        char typed[64]; /* that is not taken yet */
} Screen;

/* Takes standard input and output over. EXIT_CODE_OK; or EXIT_CODE_USAGE, they are no terminal, or
 * EXIT_CODE_FAILED, with error_text(). screen_close() is allowed after that, too. */
ExitCode screen_open(Screen *screen);
/* Gives the terminal back. */
void screen_close(Screen *screen);
/* After that: ends by the signal that was to end kyronctl, if any was. */
void screen_end_by_signal(const Screen *screen);

/* Waits for a key, at most until then (of CLOCK_MONOTONIC). Stopping and going on again happens in
 * here. */
ScreenEvent screen_wait(Screen *screen, uint64_t until_ms, int *key);

/* Shows lines from the top on; what was there is gone. */
void screen_draw(const Screen *screen, const char *lines);
