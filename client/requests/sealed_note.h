/*
 * Notes: what a program leaves with a descriptor, for whoever takes it over. They travel in memfds
 * that nobody can change any more.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* *out is a sealed memfd with the note, for the caller to close; -1 for size 0. 0, or with
 * error_text():
 * -EMSGSIZE it is over FRAME_NOTE_MAX, -EFBIG over the program's RLIMIT_FSIZE; -EMFILE, -ENFILE,
 * -ENOMEM. */
int sealed_note_new(int *out, const void *note, size_t size);

/* Copies as much of a note as size allows. Returns the whole note's size, or -errno with
 * error_text(). */
ssize_t sealed_note_read(int borrow_fd, uint32_t note_size, void *buffer, size_t size);
