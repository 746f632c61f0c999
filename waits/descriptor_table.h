/*
 * DescriptorTable: what a process has open. Only links of /proc/PID/fd are read, which asks no file
 * system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum DescriptorKind {
        DESCRIPTOR_OTHER, /* a file, a terminal, and so on */
        DESCRIPTOR_SET,   /* an epoll set */
        DESCRIPTOR_TIMER, /* timerfd_create(2), and so on */
        DESCRIPTOR_EVENT,
        DESCRIPTOR_SIGNAL,
        DESCRIPTOR_SOCKET,
        DESCRIPTOR_PIPE,
} DescriptorKind;

typedef struct Descriptor {
        int number;
        uint8_t kind; /* DescriptorKind */
        bool reads;   /* of a pipe: which of its ends this is */
        bool writes;
        uint64_t inode; /* of a socket or a pipe; 0 of the others, which have none of their own or
                           of which it would have to be asked */
} Descriptor;

typedef struct DescriptorTable {
        size_t count;
        Descriptor *entries; /* owned; by inode, then number */
} DescriptorTable;

/* Reads it. 0, -E2BIG: the process has more than most descriptors open; -EACCES: it is not for this
 * user; or -errno. */
int descriptor_table_read(DescriptorTable *out, int borrow_directory, size_t most);
void descriptor_table_free(DescriptorTable *table);

/* The one with this number; NULL: it is not open. */
const Descriptor *descriptor_table_find(const DescriptorTable *table, int number);
/* The first that is the socket or pipe with this inode; the others follow. NULL: none is. */
const Descriptor *descriptor_table_find_inode(const DescriptorTable *table, uint64_t inode);
/* Whether the descriptor with this number is the socket or pipe with this inode. */
bool descriptor_table_has(const DescriptorTable *table, int number, uint64_t inode);
