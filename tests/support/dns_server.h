/*
 * A small name server on loopback, in a thread, that answers as a table says: rightly, late,
 * wrongly or never; over UDP, and over TCP one question a connection. Ends the test when it cannot
 * be made.
 */
#pragma once

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef enum DnsBehaviour {
        DNS_ANSWERS, /* with the addresses; without any: the name has none */
        DNS_NO_SUCH_NAME,
        DNS_SERVER_FAILS,
        DNS_REFUSES,
        DNS_TRUNCATES,           /* over TCP it answers */
        DNS_TRUNCATES_AND_HANGS, /* over TCP it does not */
        DNS_ALIAS,               /* that it is another name for "alias.test", and its addresses */
        DNS_SENDS_GARBAGE,
        DNS_WRONG_ID,   /* the addresses, to a question nobody asked */
        DNS_WRONG_NAME, /* and of another name */
        DNS_SILENT,
} DnsBehaviour;

enum {
        DNS_A = 1,
        DNS_AAAA = 28,
        DNS_RECORD_ADDRESSES_MAX = 40,
        DNS_LATE_MAX = 64,    /* answers that wait */
        DNS_PACKET_MAX = 512, /* over UDP */
        DNS_ANSWER_MAX = 1024,
};

/* What is said to a question; of what is not in the table, that there is no such name. */
typedef struct DnsRecord {
        const char *name; /* "*.some.test": all below it */
        int type;
        DnsBehaviour behaviour;
        int late_ms;
        const char *addresses[DNS_RECORD_ADDRESSES_MAX + 1];
} DnsRecord;

typedef struct DnsLate {
        int64_t due; /* 0: free */
        size_t size;
        uint8_t packet[DNS_PACKET_MAX];
        struct sockaddr_in to;
} DnsLate;

typedef struct DnsServer {
        char address[32]; /* "127.0.0.1:PORT" */
        struct sockaddr_in socket_address;
        int fd;
        int tcp_fd;
        int stop_fd;
        int hanging_fd; /* the last connection that it does not answer; -1: none */
        pthread_t thread;
        const DnsRecord *records;
        size_t n_records;
        atomic_uint questions;
        atomic_uint tcp_questions; /* of those */
        DnsLate late[DNS_LATE_MAX];
} DnsServer;

/* The table has to outlive it. */
void dns_server_start(DnsServer *server, const DnsRecord *records, size_t n);
void dns_server_stop(DnsServer *server);
