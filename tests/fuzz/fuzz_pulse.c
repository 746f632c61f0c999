/*
 * A client's words in its pulse, written while they are read: the input is a sequence of steps,
 * each a word, all of them, memory given back, or some of many looks at it. Whatever is there, what
 * is told of it is possible.
 */
#include "core/clock.h"
#include "daemon/session/session_pulse.h"
#include "proto/pulse.h"
#include "tests/fuzz/packet.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORDS = sizeof(PulsePage) / sizeof(uint64_t), LOOKS = 64, REGISTRATIONS_MAX = 1000 };

typedef struct Writer {
        FuzzInput input;
        _Atomic uint64_t *words;
        int fd;
} Writer;

static uint64_t take_word(FuzzInput *input)
{
        uint64_t word = 0;

        for (int i = 0; i < 8; i++)
                word = word << 8 | fuzz_take_byte(input);
        return word;
}

static void write_step(Writer *writer)
{
        uint8_t what = fuzz_take_byte(&writer->input);
        uint64_t word;

        switch (what % 4) {
        case 0:
                atomic_store_explicit(&writer->words[what / 4 % WORDS], take_word(&writer->input),
                                      memory_order_relaxed);
                break;
        case 1:
                word = take_word(&writer->input);
                for (int i = 1; i < WORDS; i++)
                        atomic_store_explicit(&writer->words[i], word, memory_order_relaxed);
                break;
        case 2:
                atomic_store_explicit(&writer->words[0], PULSE_MAGIC, memory_order_relaxed);
                break;
        default:
                fallocate(writer->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PULSE_BYTES);
                break;
        }
}

static void *write_all(void *data)
{
        Writer *writer = data;

        while (writer->input.size > 0)
                write_step(writer);
        return NULL;
}

static void look(const SessionPulse *pulse)
{
        Iod__Pulse told;

        if (!session_pulse_read(pulse, REGISTRATIONS_MAX, &told))
                return;
        FUZZ_REQUIRE(told.turns <= INT64_MAX);
        FUZZ_REQUIRE(told.events <= INT64_MAX);
        FUZZ_REQUIRE(told.registrations <= REGISTRATIONS_MAX);
        FUZZ_REQUIRE(told.set <= INT_MAX);
        FUZZ_REQUIRE(told.since_ms <= (clock_now_ns() - pulse->made_ns) / 1000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        size_t descriptors = fuzz_count_descriptors();
        SessionPulse pulse = {.page = NULL};
        Writer writer = {.input = {.bytes = bytes, .size = size}};
        pthread_t thread;

        writer.fd = session_pulse_open(&pulse);
        FUZZ_REQUIRE(writer.fd >= 0);
        writer.words = mmap(NULL, PULSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, writer.fd, 0);
        FUZZ_REQUIRE(writer.words != MAP_FAILED);
        FUZZ_REQUIRE(pthread_create(&thread, NULL, write_all, &writer) == 0);
        for (int i = 0; i < LOOKS; i++)
                look(&pulse);
        pthread_join(thread, NULL);
        look(&pulse);
        munmap(writer.words, PULSE_BYTES);
        close(writer.fd);
        session_pulse_close(&pulse);
        fuzz_require_descriptors(descriptors);
        return 0;
}
