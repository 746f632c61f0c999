/*
 * DescriptorTable: the sockets and epoll sets that a process has open, by number. Only links of
 * /proc/PID/fd are read, which asks no file system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Descriptor {
        int number;
        bool is_set;    /* an epoll set; else a socket */
        uint64_t inode; /* of a socket; 0 of a set, which all share one */
} Descriptor;

typedef struct DescriptorTable {
        size_t count;
        Descriptor *entries; /* owned; by inode, then number: the sets come first */
} DescriptorTable;

/* Reads it. 0, -E2BIG: the process has more than most descriptors open; -EACCES: it is not for this
 * user; or -errno. */
int descriptor_table_read(DescriptorTable *out, int borrow_directory, size_t most);
void descriptor_table_free(DescriptorTable *table);

/* The socket with this number; NULL: it is none. */
const Descriptor *descriptor_table_find(const DescriptorTable *table, int number);
/* Whether any is the socket with this inode. */
bool descriptor_table_has_inode(const DescriptorTable *table, uint64_t inode);
/* Whether the descriptor with this number is the socket with this inode. */
bool descriptor_table_has(const DescriptorTable *table, int number, uint64_t inode);
