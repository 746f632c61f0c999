/*
 * A configuration file's text, made ready for libconfuse: comments become blanks, lines end by a
 * newline alone, and what has a beginning has its end. libconfuse 3.3 counts the line of a comment
 * three times, takes no comments within lists, and a block without its closing brace as if it had
 * one.
 */
#pragma once

enum {
        CONFIG_TEXT_MAX = 1 << 20, /* bytes of a file */
};

/* The text with a terminating zero, the caller's to free. 0, or with error_text(): -EINVAL for
 * what is wrong with it, "PATH:LINE: …"; -errno when it cannot be read, or -EPERM when the daemon
 * is root and others may write it. */
int config_text_read(const char *path, char **out);
/* Whether root may believe what is in the file or directory: 0, or -EPERM with error_text(). */
int config_text_check_owner(const char *path, int borrow_fd);
/* The line with the words keyword and title, where a block begins; 0 when there is none. */
int config_text_find_block(const char *text, const char *keyword, const char *title);
